import { abs, add, cast, greater, mean, mul, sub, sum, type Tensor } from "../../compile/ops.ts";

/** How many of a layer's units hardly ever say anything. */
export interface Dormancy {
  /** []. */
  readonly dormant: Tensor;
  readonly units: number;
}

/**
 * Counts the dormant units of a layer, [n, units], over a batch of n:
 *
 *     s_i = mean_n |h_i| / mean_k (mean_n |h_k|),   unit i is dormant if s_i <= threshold
 *
 * A layer that is all zeros is dormant altogether.
 * Source: Sokar et al. 2023, arXiv 2302.12902, definition 3.1; Xu et al. 2024, arXiv 2310.19668, definition 2.1.
 */
export function dormancy(layer: Tensor, threshold: number): Dormancy {
  const units = layer.shape.at(-1) ?? 1;
  const sizes = mean(abs(layer), 0);
  const awake = cast(greater(sizes, mul(mean(sizes), threshold)), "float32");
  return { dormant: sub(units, sum(awake)), units };
}

/** The share of dormant units over all layers, []. */
export function dormantRatio(layers: readonly Dormancy[]): Tensor {
  const units = layers.reduce((count, layer) => count + layer.units, 0);
  const [first, ...others] = layers.map(({ dormant }) => dormant);
  if (first === undefined)
    throw new RangeError("a policy without hidden units has no dormant ones");
  return mul(
    others.reduce((total, dormant) => add(total, dormant), first),
    1 / units,
  );
}
