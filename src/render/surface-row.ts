import {
  BOX,
  CYLINDER,
  type DepthBuffer,
  ELLIPSOID,
  PLANE,
  type ShapeTable,
  SPHERE,
  STRIDE,
} from "./shapes.ts";

/**
 * The surface under a row of pixels: where each ray hits a shape, and the outward unit
 * normal there, in the shape's coordinates. Entries of pixels that show something else are stale.
 */
export class SurfaceRow {
  /** [width, 3] */
  readonly points: Float64Array;
  /** [width, 3] */
  readonly normals: Float64Array;
  readonly #table: ShapeTable;
  readonly #buffer: DepthBuffer;

  constructor(table: ShapeTable, buffer: DepthBuffer) {
    this.#table = table;
    this.#buffer = buffer;
    this.points = new Float64Array(3 * buffer.width);
    this.normals = new Float64Array(3 * buffer.width);
  }

  /** Finds what row i shows of shape `k`; returns whether that is anything. */
  find(k: number, i: number): boolean {
    if (!this.#findPoints(k, i)) return false;
    switch (this.#table.kinds[k]) {
      case SPHERE:
      case ELLIPSOID:
        this.#ellipsoidNormals(k, i);
        break;
      case CYLINDER:
        this.#cylinderNormals(k, i);
        break;
      case BOX:
        this.#boxNormals(k, i);
        break;
      case PLANE:
        this.#planeNormals(k);
        break;
      default:
        this.#capsuleNormals(k, i);
    }
    return true;
  }

  #findPoints(k: number, i: number): boolean {
    const { frames, bounds } = this.#table;
    const { width, depth, shapes } = this.#buffer;
    const { points } = this;
    const f = k * STRIDE;
    const ox = frames[f]!;
    const oy = frames[f + 1]!;
    const oz = frames[f + 2]!;
    const cx = frames[f + 3]!;
    const cy = frames[f + 4]!;
    const cz = frames[f + 5]!;
    const bx = frames[f + 9]! + i * frames[f + 6]!;
    const by = frames[f + 10]! + i * frames[f + 7]!;
    const bz = frames[f + 11]! + i * frames[f + 8]!;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    let found = false;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
      if (shapes[p] !== k) continue;
      found = true;
      const t = depth[p]!;
      points[3 * j] = ox + t * (bx + j * cx);
      points[3 * j + 1] = oy + t * (by + j * cy);
      points[3 * j + 2] = oz + t * (bz + j * cz);
    }
    return found;
  }

  #ellipsoidNormals(k: number, i: number): void {
    const { bounds, sizes, kinds } = this.#table;
    const { width, shapes } = this.#buffer;
    const { points, normals } = this;
    const sphere = kinds[k] === SPHERE;
    const a = sizes[3 * k]! ** -2;
    const b = sphere ? a : sizes[3 * k + 1]! ** -2;
    const c = sphere ? a : sizes[3 * k + 2]! ** -2;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
      if (shapes[p] !== k) continue;
      const x = a * points[3 * j]!;
      const y = b * points[3 * j + 1]!;
      const z = c * points[3 * j + 2]!;
      const scale = 1 / Math.sqrt(x * x + y * y + z * z);
      normals[3 * j] = x * scale;
      normals[3 * j + 1] = y * scale;
      normals[3 * j + 2] = z * scale;
    }
  }

  #capsuleNormals(k: number, i: number): void {
    const { bounds, sizes } = this.#table;
    const { width, shapes } = this.#buffer;
    const { points, normals } = this;
    const scale = 1 / sizes[3 * k]!;
    const half = sizes[3 * k + 1]!;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
      if (shapes[p] !== k) continue;
      const z = points[3 * j + 2]!;
      normals[3 * j] = points[3 * j]! * scale;
      normals[3 * j + 1] = points[3 * j + 1]! * scale;
      normals[3 * j + 2] = (z - Math.min(Math.max(z, -half), half)) * scale;
    }
  }

  #planeNormals(k: number): void {
    const { bounds } = this.#table;
    const last = bounds[4 * k + 1]!;
    for (let j = bounds[4 * k]!; j < last; j++) {
      this.normals[3 * j] = 0;
      this.normals[3 * j + 1] = 0;
      this.normals[3 * j + 2] = 1;
    }
  }

  #cylinderNormals(k: number, i: number): void {
    const { bounds, sizes } = this.#table;
    const { width, shapes } = this.#buffer;
    const { points, normals } = this;
    const scale = 1 / sizes[3 * k]!;
    const half = sizes[3 * k + 1]!;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
      if (shapes[p] !== k) continue;
      const x = points[3 * j]! * scale;
      const y = points[3 * j + 1]! * scale;
      const z = points[3 * j + 2]!;
      const round = Math.sqrt(x * x + y * y) > Math.abs(z) / half ? 1 : 0;
      normals[3 * j] = round * x;
      normals[3 * j + 1] = round * y;
      normals[3 * j + 2] = (1 - round) * Math.sign(z);
    }
  }

  #boxNormals(k: number, i: number): void {
    const { bounds, sizes } = this.#table;
    const { width, shapes } = this.#buffer;
    const { points, normals } = this;
    const a = sizes[3 * k]!;
    const b = sizes[3 * k + 1]!;
    const c = sizes[3 * k + 2]!;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
      if (shapes[p] !== k) continue;
      const x = points[3 * j]! / a;
      const y = points[3 * j + 1]! / b;
      const z = points[3 * j + 2]! / c;
      const greatest = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
      const onX = Math.abs(x) === greatest ? 1 : 0;
      const onY = Math.abs(y) === greatest ? 1 - onX : 0;
      normals[3 * j] = onX * Math.sign(x);
      normals[3 * j + 1] = onY * Math.sign(y);
      normals[3 * j + 2] = (1 - onX - onY) * Math.sign(z);
    }
  }
}
