/** What the ray caster can intersect, by MuJoCo's number for it (mjtGeom). */
export const PLANE = 0;
export const SPHERE = 2;
export const CAPSULE = 3;
export const ELLIPSOID = 4;
export const CYLINDER = 5;
export const BOX = 6;

/** Numbers per shape in `ShapeTable.frames`. */
export const STRIDE = 12;

/**
 * Shapes as seen from the camera, structure of arrays, rewritten for every frame.
 *
 * `frames` holds, in the shape's own coordinates, metres: the camera's position (0..2) and the ray
 * through row i, column j, which is `base + j * column + i * row` with column (3..5), row (6..8),
 * base (9..11). The ray's component along the view is 1, so that ray parameters are depths and compare
 * between shapes.
 */
export class ShapeTable {
  readonly count: number;
  /** [count], one of the constants above. */
  readonly kinds: Int32Array;
  /** [count, 3], in the world. */
  readonly positions: Float64Array;
  /** [count, 3, 3] row-major; columns are the shape's axes in the world. */
  readonly rotations: Float64Array;
  /** [count, STRIDE] */
  readonly frames: Float64Array;
  /** [count, 3]: radius | radius, half length | half sizes; a plane's half sizes, 0: infinite. */
  readonly sizes: Float64Array;
  /** [count, 4]: first column, column after the last, first row, row after the last it can cover. */
  readonly bounds: Int32Array;
  /** [count], 1 when the camera is inside: a ray then hits the far side. */
  readonly inside: Uint8Array;

  constructor(count: number) {
    this.count = count;
    this.kinds = new Int32Array(count);
    this.positions = new Float64Array(count * 3);
    this.rotations = new Float64Array(count * 9);
    this.frames = new Float64Array(count * STRIDE);
    this.sizes = new Float64Array(count * 3);
    this.bounds = new Int32Array(count * 4);
    this.inside = new Uint8Array(count);
  }
}

/** The nearest hit of every pixel. */
export class DepthBuffer {
  readonly width: number;
  readonly height: number;
  /** [height, width], along the view; Infinity where nothing was hit. */
  readonly depth: Float64Array;
  /** [height, width], the shape's index, -1 where nothing was hit. */
  readonly shapes: Int32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.depth = new Float64Array(width * height);
    this.shapes = new Int32Array(width * height);
  }

  clear(): void {
    this.depth.fill(Number.POSITIVE_INFINITY);
    this.shapes.fill(-1);
  }
}
