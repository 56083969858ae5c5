import type { RandomStream } from "../math/random.ts";

/** How the weights of a linear layer start. `gain` scales orthogonal weights. */
export type Initialisation = "uniform" | "orthogonal";

/** Fills `out` with initial values. */
export type Initialiser = (random: RandomStream, out: Float32Array) => void;

/**
 * Uniform in +- 1 / sqrt(fanIn), for weights and biases alike: what PyTorch's Linear starts from,
 * and so the networks of Stable-Baselines3 and CleanRL. Source: He et al. 2015 with a = sqrt(5).
 */
export function uniformFanIn(fanIn: number): Initialiser {
  const bound = 1 / Math.sqrt(fanIn);
  return (random, out) => {
    for (let i = 0; i < out.length; i++) out[i] = random.uniformBetween(-bound, bound);
  };
}

export function constant(value: number): Initialiser {
  return (_random, out) => {
    out.fill(value);
  };
}

/** A direction, all alike: normals, scaled to length 1. */
export const unitVector: Initialiser = (random, out) => {
  random.fillNormal(out);
  const length = Math.sqrt(out.reduce((sum, value) => sum + value * value, 0));
  for (const [i, value] of out.entries()) out[i] = value / length;
};

/**
 * A random matrix, [rows, columns], whose shorter side is orthonormal times `gain`: modified
 * Gram-Schmidt on normals, in float64. Source: Saxe et al. 2014, arXiv 1312.6120.
 */
export function orthogonal(rows: number, columns: number, gain = 1): Initialiser {
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  return (random, out) => {
    const basis: Float64Array[] = [];
    while (basis.length < count) {
      const vector = Float64Array.from({ length }, () => random.normal());
      for (const other of basis) subtractProjection(vector, other);
      scale(vector, 1 / Math.sqrt(dot(vector, vector)));
      basis.push(vector);
    }
    for (const [k, vector] of basis.entries()) {
      for (const [i, value] of vector.entries()) {
        out[columns <= rows ? i * columns + k : k * columns + i] = gain * value;
      }
    }
  };
}

// Loops over indices: a matrix of 1024 rows takes a billion of these steps.
function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const length = dot(vector, unit);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) - length * (unit[i] ?? 0);
}

function scale(vector: Float64Array, factor: number): void {
  for (const [i, value] of vector.entries()) vector[i] = value * factor;
}
