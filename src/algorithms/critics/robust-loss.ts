import {
  add,
  mean,
  mul,
  sign,
  square,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
} from "../../compile/ops.ts";

export interface RobustOptions {
  /** lambda: weight of the loss beside the critic's own. */
  readonly weight: number;
  /** epsilon: how far each number of an observation may be off, in the units that the critic sees. */
  readonly radius: number;
}

/** What a critic says of n observations: [n, observation size] -> [n], each row for itself. */
type Value = (observations: Tensor) => Tensor;

/**
 * The worst observations near n others, as one signed gradient step finds them:
 *
 *     s' = s + epsilon sign(dV/ds)
 *
 * The step is taken on V, as the square of V(s') - V(s) has no slope at s. It belongs into a stage's `prepare`.
 *
 * Source: Goodfellow et al. 2015, arXiv 1412.6572, section 4.
 */
export function worstNearby(value: Value, observations: Tensor, { radius }: RobustOptions): Tensor {
  const total = (at: Tensor) => ({ value: sum(value(at)), aux: {} });
  const { gradient } = valueAndGrad(total, observations);
  return add(observations, mul(sign(gradient), radius));
}

/**
 * mean (V(s') - V(s))^2, []: how far a value is moved by small changes of its observations.
 * Source: Zheng et al. 2023, "Is Model Ensemble Necessary?", OpenReview hNyJBk3CwR.
 */
export function robustLoss(value: Value, observations: Tensor, worst: Tensor): Tensor {
  return mean(square(sub(value(worst), value(observations))));
}
