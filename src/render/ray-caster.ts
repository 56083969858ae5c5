import {
  BOX,
  CAPSULE,
  CYLINDER,
  type DepthBuffer,
  ELLIPSOID,
  PLANE,
  type ShapeTable,
  SPHERE,
  STRIDE,
} from "./shapes.ts";

/** Keeps divisions by a ray's squared distance from an axis finite where the ray is parallel to it. */
const TINY = 1e-300;
/** A ray this close to parallel with a plane passes it, as with the engine: mjMINVAL. */
const PARALLEL = 1e-15;

/**
 * The rays through a row of pixels in a shape's coordinates: from `o` along `b + j * c` at column j, for
 * j from `first` up to `last`; pixel `p` of the buffer is the one of column `first`.
 */
class RayRow {
  ox = 0;
  oy = 0;
  oz = 0;
  bx = 0;
  by = 0;
  bz = 0;
  cx = 0;
  cy = 0;
  cz = 0;
  first = 0;
  last = 0;
  p = 0;
}

/**
 * Intersects the rays of a depth buffer with the shapes of a table, a row of pixels at a time.
 *
 * Of two hits at the same depth the one entered first stays, as with the engine's own rays.
 */
export class RayCaster {
  readonly #table: ShapeTable;
  readonly #buffer: DepthBuffer;
  readonly #row = new RayRow();

  constructor(table: ShapeTable, buffer: DepthBuffer) {
    this.#table = table;
    this.#buffer = buffer;
  }

  /** Enters shape `k` wherever it is nearer than what is there. */
  enter(k: number): void {
    const { frames, bounds } = this.#table;
    const row = this.#row;
    const f = k * STRIDE;
    row.ox = frames[f]!;
    row.oy = frames[f + 1]!;
    row.oz = frames[f + 2]!;
    row.cx = frames[f + 3]!;
    row.cy = frames[f + 4]!;
    row.cz = frames[f + 5]!;
    row.first = bounds[4 * k]!;
    row.last = bounds[4 * k + 1]!;
    const end = bounds[4 * k + 3]!;
    for (let i = bounds[4 * k + 2]!; i < end; i++) {
      row.bx = frames[f + 9]! + i * frames[f + 6]!;
      row.by = frames[f + 10]! + i * frames[f + 7]!;
      row.bz = frames[f + 11]! + i * frames[f + 8]!;
      row.p = i * this.#buffer.width + row.first;
      this.#enterRow(k);
    }
  }

  #enterRow(k: number): void {
    switch (this.#table.kinds[k]) {
      case PLANE:
        this.#planeRow(k);
        break;
      case SPHERE:
      case ELLIPSOID:
        this.#ellipsoidRow(k);
        break;
      case CAPSULE:
        this.#capsuleRow(k);
        break;
      case CYLINDER:
        this.#cylinderRow(k);
        break;
      case BOX:
        this.#boxRow(k);
        break;
      default:
        throw new RangeError(`shape ${this.#table.kinds[k]}`);
    }
  }

  /** One-sided: rays from below pass. Finite where a half size is positive. */
  #planeRow(k: number): void {
    const { sizes } = this.#table;
    const { depth, shapes } = this.#buffer;
    const { ox, oy, oz, bx, by, bz, cx, cy, cz, first, last } = this.#row;
    // Linear along the row: when both ends look up, all of it does.
    if (oz <= 0 || Math.min(bz + first * cz, bz + (last - 1) * cz) >= 0) return;
    const halfX = sizes[3 * k]! || Number.POSITIVE_INFINITY;
    const halfY = sizes[3 * k + 1]! || Number.POSITIVE_INFINITY;
    for (let j = first, p = this.#row.p; j < last; j++, p++) {
      const dz = bz + j * cz;
      if (dz > -PARALLEL) continue;
      const t = -oz / dz;
      const away = Math.abs(ox + t * (bx + j * cx)) > halfX;
      if (away || Math.abs(oy + t * (by + j * cy)) > halfY) continue;
      if (t < depth[p]!) {
        depth[p] = t;
        shapes[p] = k;
      }
    }
  }

  /** Solved on the unit sphere, to which space is scaled. */
  #ellipsoidRow(k: number): void {
    const { sizes, kinds, inside } = this.#table;
    const { depth, shapes } = this.#buffer;
    const { first, last } = this.#row;
    const sphere = kinds[k] === SPHERE;
    const sx = 1 / sizes[3 * k]!;
    const sy = sphere ? sx : 1 / sizes[3 * k + 1]!;
    const sz = sphere ? sx : 1 / sizes[3 * k + 2]!;
    const ox = this.#row.ox * sx;
    const oy = this.#row.oy * sy;
    const oz = this.#row.oz * sz;
    const cx = this.#row.cx * sx;
    const cy = this.#row.cy * sy;
    const cz = this.#row.cz * sz;
    const bx = this.#row.bx * sx;
    const by = this.#row.by * sy;
    const bz = this.#row.bz * sz;
    const c = ox * ox + oy * oy + oz * oz - 1;
    const side = inside[k] ? 1 : -1;
    for (let j = first, p = this.#row.p; j < last; j++, p++) {
      const dx = bx + j * cx;
      const dy = by + j * cy;
      const dz = bz + j * cz;
      const a = dx * dx + dy * dy + dz * dz;
      const b = ox * dx + oy * dy + oz * dz;
      const discriminant = b * b - a * c;
      if (discriminant < 0) continue;
      const t = (side * Math.sqrt(discriminant) - b) / a;
      if (t > 0 && t < depth[p]!) {
        depth[p] = t;
        shapes[p] = k;
      }
    }
  }

  /** The infinite cylinder first; where that is hit beyond an end, the ball at that end. */
  #capsuleRow(k: number): void {
    const { sizes, inside } = this.#table;
    const { depth, shapes } = this.#buffer;
    const { ox, oy, oz, bx, by, bz, cx, cy, cz, first, last } = this.#row;
    const radius = sizes[3 * k]!;
    const half = sizes[3 * k + 1]!;
    const c = ox * ox + oy * oy - radius * radius;
    const side = inside[k] ? 1 : -1;
    for (let j = first, p = this.#row.p; j < last; j++, p++) {
      const dx = bx + j * cx;
      const dy = by + j * cy;
      const dz = bz + j * cz;
      const a = dx * dx + dy * dy + TINY;
      const b = ox * dx + oy * dy;
      const discriminant = b * b - a * c;
      if (discriminant < 0) continue;
      let t = (side * Math.sqrt(discriminant) - b) / a;
      const z = oz + t * dz;
      if (Math.abs(z) > half) {
        const oe = oz - half * Math.sign(z);
        const ae = a + dz * dz;
        const be = b + oe * dz;
        // Negative where the ray misses: the root is no number, and neither comparison holds.
        t = (side * Math.sqrt(be * be - ae * (c + oe * oe)) - be) / ae;
      }
      if (t > 0 && t < depth[p]!) {
        depth[p] = t;
        shapes[p] = k;
      }
    }
  }

  /** Where the ray is inside both the infinite cylinder and the slab between its ends. */
  #cylinderRow(k: number): void {
    const { sizes, inside } = this.#table;
    const { depth, shapes } = this.#buffer;
    const { ox, oy, oz, bx, by, bz, cx, cy, cz, first, last } = this.#row;
    const radius = sizes[3 * k]!;
    const half = sizes[3 * k + 1]!;
    const c = ox * ox + oy * oy - radius * radius;
    for (let j = first, p = this.#row.p; j < last; j++, p++) {
      const dx = bx + j * cx;
      const dy = by + j * cy;
      const dz = bz + j * cz;
      const a = dx * dx + dy * dy + TINY;
      const b = ox * dx + oy * dy;
      const discriminant = b * b - a * c;
      if (discriminant < 0) continue;
      const root = Math.sqrt(discriminant);
      const lower = (-half - oz) / dz;
      const upper = (half - oz) / dz;
      const enter = Math.max((-root - b) / a, Math.min(lower, upper));
      const leave = Math.min((root - b) / a, Math.max(lower, upper));
      if (enter > leave) continue;
      const t = inside[k] ? leave : enter;
      if (t > 0 && t < depth[p]!) {
        depth[p] = t;
        shapes[p] = k;
      }
    }
  }

  /** Where the ray is inside all three slabs. */
  #boxRow(k: number): void {
    const { sizes, inside } = this.#table;
    const { depth, shapes } = this.#buffer;
    const { ox, oy, oz, bx, by, bz, cx, cy, cz, first, last } = this.#row;
    const sx = sizes[3 * k]!;
    const sy = sizes[3 * k + 1]!;
    const sz = sizes[3 * k + 2]!;
    for (let j = first, p = this.#row.p; j < last; j++, p++) {
      // A ray parallel to a slab enters at -Infinity and leaves at Infinity, or the other way round.
      const ix = 1 / (bx + j * cx);
      const iy = 1 / (by + j * cy);
      const iz = 1 / (bz + j * cz);
      const lx = (-sx - ox) * ix;
      const ly = (-sy - oy) * iy;
      const lz = (-sz - oz) * iz;
      const ux = (sx - ox) * ix;
      const uy = (sy - oy) * iy;
      const uz = (sz - oz) * iz;
      const enter = Math.max(Math.min(lx, ux), Math.min(ly, uy), Math.min(lz, uz));
      const leave = Math.min(Math.max(lx, ux), Math.max(ly, uy), Math.max(lz, uz));
      if (enter > leave) continue;
      const t = inside[k] ? leave : enter;
      if (t > 0 && t < depth[p]!) {
        depth[p] = t;
        shapes[p] = k;
      }
    }
  }
}
