import { add, div, mul, sqrt, square, sub, sum, type Tensor } from "./ops.ts";

/** Keeps 0 / 0 away; next to nothing in float32. */
const TINY = 1e-30;

/**
 * The part of a tensor's gradient that is orthogonal to the tensor, as long as the gradient was:
 *
 *     g' = g - (w . g) / (w . w) w,   times |g| / |g'|
 *
 * A step along w only scales the layer's output up, which lowers a cross-entropy without learning anything
 * and lets logits grow without end. A tensor of one number has no such part and keeps its gradient.
 *
 * Source: Prieto et al. 2025, arXiv 2501.04697, section 5.
 */
export function orthogonalGradient(weights: Tensor, gradient: Tensor): Tensor {
  if (weights.shape.reduce((size, length) => size * length, 1) === 1) return gradient;
  const along = div(sum(mul(weights, gradient)), add(sum(square(weights)), TINY));
  const across = sub(gradient, mul(along, weights));
  return mul(across, div(lengthOf(gradient), add(lengthOf(across), TINY)));
}

function lengthOf(x: Tensor): Tensor {
  return sqrt(sum(square(x)));
}
