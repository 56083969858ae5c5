import type { RandomStream } from "../../math/random.ts";

/** Where an entry stands in a row-major 3 x 3 rotation matrix: XZ is how much of local z is world x. */
export const [XX, XY, XZ, YX, YY, YZ, ZX, ZY, ZZ] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;

/** A world vector as seen from a frame: R^T v, [3]. */
export function inFrame(rotation: Float64Array, vector: ArrayLike<number>): Float64Array {
  const seen = new Float64Array(3);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      seen[column]! += vector[row]! * rotation[3 * row + column]!;
    }
  }
  return seen;
}

/** Euclidean length of a - b over their first `size` numbers. */
export function distance(a: Float64Array, b: Float64Array, size = a.length): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** A rotation uniform over all of them, as a unit quaternion. */
export function randomQuaternion(random: RandomStream): number[] {
  return normalised([random.normal(), random.normal(), random.normal(), random.normal()]);
}

/** The vector at length 1. */
export function normalised(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}
