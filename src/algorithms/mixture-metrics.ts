import {
  add,
  exp,
  logSoftmax,
  max,
  mean,
  mul,
  neg,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../compile/ops.ts";
import type { SquashedMixture } from "./gated-experts.ts";

/** Experts with metrics of their own; the configuration allows no more. */
const NAMED_EXPERTS = 8;

/** How the experts are used, by metric key; `best` has ones for the best expert of each state. */
export function mixtureMetrics(
  { means, logits }: SquashedMixture,
  best: Tensor,
): Record<string, Tensor> {
  const logGate = logSoftmax(logits);
  const gate = exp(logGate);
  return {
    "pmoe/gate_entropy": neg(mean(sum(mul(gate, logGate), -1))),
    "pmoe/gate_max": mean(max(gate, -1)),
    "pmoe/expert_distance": meanDistance(tanh(means)),
    ...perExpert("pmoe/gate", gate),
    ...perExpert("pmoe/best", best),
  };
}

/** Means over states, under `key_0`, `key_1` and so on. */
function perExpert(key: string, values: Tensor): Record<string, Tensor> {
  const [, experts = 0] = values.shape;
  const means = mean(values, 0);
  return Object.fromEntries(
    Array.from({ length: Math.min(experts, NAMED_EXPERTS) }, (_, k) => [
      `${key}_${k}`,
      reshape(slice(means, [k, k + 1]), []),
    ]),
  );
}

/** Root mean square distance of two experts' points, [n, experts, m], averaged over states. */
function meanDistance(points: Tensor): Tensor {
  const [, experts = 2] = points.shape;
  const centred = sub(points, mean(points, 1, { keepDims: true }));
  // Over pairs, the mean square distance is twice the sample variance.
  const squares = mul(sum(square(centred), [1, 2]), 2 / (experts - 1));
  return mean(sqrt(add(squares, 1e-12)));
}
