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
 * Intersects the rays of a depth buffer with the shapes of a table, a row of pixels at a time.
 *
 * Of two hits at the same depth the one entered first stays, as with the engine's own rays.
 */
export class RayCaster {
  readonly #table: ShapeTable;
  readonly #buffer: DepthBuffer;
  /** [3], the ray through the row's column 0, in the shape's coordinates. */
  readonly #base = new Float64Array(3);

  constructor(table: ShapeTable, buffer: DepthBuffer) {
    this.#table = table;
    this.#buffer = buffer;
  }

  /** Enters shape `k` wherever it is nearer than what is there. */
  enter(k: number): void {
    const { frames, bounds } = this.#table;
    const f = k * STRIDE;
    const last = bounds[4 * k + 3]!;
    for (let i = bounds[4 * k + 2]!; i < last; i++) {
      for (let a = 0; a < 3; a++) this.#base[a] = frames[f + 9 + a]! + i * frames[f + 6 + a]!;
      this.#enterRow(k, i);
    }
  }

  #enterRow(k: number, i: number): void {
    switch (this.#table.kinds[k]) {
      case PLANE:
        this.#planeRow(k, i);
        break;
      case SPHERE:
      case ELLIPSOID:
        this.#ellipsoidRow(k, i);
        break;
      case CAPSULE:
        this.#capsuleRow(k, i);
        break;
      case CYLINDER:
        this.#cylinderRow(k, i);
        break;
      case BOX:
        this.#boxRow(k, i);
        break;
      default:
        throw new RangeError(`shape ${this.#table.kinds[k]}`);
    }
  }

  /** One-sided: rays from below pass. Finite where a half size is positive. */
  #planeRow(k: number, i: number): void {
    const { frames, bounds, sizes } = this.#table;
    const { width, depth, shapes } = this.#buffer;
    const f = k * STRIDE;
    const ox = frames[f]!;
    const oy = frames[f + 1]!;
    const oz = frames[f + 2]!;
    const cx = frames[f + 3]!;
    const cy = frames[f + 4]!;
    const cz = frames[f + 5]!;
    const bx = this.#base[0]!;
    const by = this.#base[1]!;
    const bz = this.#base[2]!;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    // Linear along the row: when both ends look up, all of it does.
    if (oz <= 0 || Math.min(bz + first * cz, bz + (last - 1) * cz) >= 0) return;
    const halfX = sizes[3 * k]! || Number.POSITIVE_INFINITY;
    const halfY = sizes[3 * k + 1]! || Number.POSITIVE_INFINITY;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
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
  #ellipsoidRow(k: number, i: number): void {
    const { frames, bounds, sizes, kinds, inside } = this.#table;
    const { width, depth, shapes } = this.#buffer;
    const f = k * STRIDE;
    const sphere = kinds[k] === SPHERE;
    const sx = 1 / sizes[3 * k]!;
    const sy = sphere ? sx : 1 / sizes[3 * k + 1]!;
    const sz = sphere ? sx : 1 / sizes[3 * k + 2]!;
    const ox = frames[f]! * sx;
    const oy = frames[f + 1]! * sy;
    const oz = frames[f + 2]! * sz;
    const cx = frames[f + 3]! * sx;
    const cy = frames[f + 4]! * sy;
    const cz = frames[f + 5]! * sz;
    const bx = this.#base[0]! * sx;
    const by = this.#base[1]! * sy;
    const bz = this.#base[2]! * sz;
    const c = ox * ox + oy * oy + oz * oz - 1;
    const side = inside[k] ? 1 : -1;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
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
  #capsuleRow(k: number, i: number): void {
    const { frames, bounds, sizes, inside } = this.#table;
    const { width, depth, shapes } = this.#buffer;
    const f = k * STRIDE;
    const ox = frames[f]!;
    const oy = frames[f + 1]!;
    const oz = frames[f + 2]!;
    const cx = frames[f + 3]!;
    const cy = frames[f + 4]!;
    const cz = frames[f + 5]!;
    const bx = this.#base[0]!;
    const by = this.#base[1]!;
    const bz = this.#base[2]!;
    const radius = sizes[3 * k]!;
    const half = sizes[3 * k + 1]!;
    const c = ox * ox + oy * oy - radius * radius;
    const side = inside[k] ? 1 : -1;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
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
  #cylinderRow(k: number, i: number): void {
    const { frames, bounds, sizes, inside } = this.#table;
    const { width, depth, shapes } = this.#buffer;
    const f = k * STRIDE;
    const ox = frames[f]!;
    const oy = frames[f + 1]!;
    const oz = frames[f + 2]!;
    const cx = frames[f + 3]!;
    const cy = frames[f + 4]!;
    const cz = frames[f + 5]!;
    const bx = this.#base[0]!;
    const by = this.#base[1]!;
    const bz = this.#base[2]!;
    const radius = sizes[3 * k]!;
    const half = sizes[3 * k + 1]!;
    const c = ox * ox + oy * oy - radius * radius;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
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
  #boxRow(k: number, i: number): void {
    const { frames, bounds, sizes, inside } = this.#table;
    const { width, depth, shapes } = this.#buffer;
    const f = k * STRIDE;
    const ox = frames[f]!;
    const oy = frames[f + 1]!;
    const oz = frames[f + 2]!;
    const cx = frames[f + 3]!;
    const cy = frames[f + 4]!;
    const cz = frames[f + 5]!;
    const bx = this.#base[0]!;
    const by = this.#base[1]!;
    const bz = this.#base[2]!;
    const sx = sizes[3 * k]!;
    const sy = sizes[3 * k + 1]!;
    const sz = sizes[3 * k + 2]!;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
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
