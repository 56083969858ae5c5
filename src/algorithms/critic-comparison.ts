import { abs, add, maximum, mean, mul, sub, type Tensor } from "../compile/ops.ts";
import type { CriticHead, CriticTarget } from "./critics/critic-head.ts";
import type { Twins } from "./twin-critic.ts";

export interface CriticComparison {
  /** sum_k mean(w error(Q_k, y)), []. */
  readonly loss: Tensor;
  /** What each says, [n]. */
  readonly values: Twins;
  /** [n]. */
  readonly priorities: Tensor;
  /** Scalars to log, by metric key. */
  readonly metrics: Readonly<Record<string, Tensor>>;
}

/** Holds the outputs of two critics, [n, outputs] each, against a target. */
export function compareCritics(
  head: CriticHead,
  target: CriticTarget,
  { outputs, weights }: { readonly outputs: Twins; readonly weights: Tensor },
): CriticComparison {
  const [first, second] = [target.compare(outputs[0]), target.compare(outputs[1])];
  const loss = mean(mul(weights, add(first.loss, second.loss)));
  const [q1, q2] = [head.value(outputs[0]), head.value(outputs[1])];
  const tdErrors = maximum(abs(sub(q1, target.value)), abs(sub(q2, target.value)));
  return {
    loss,
    values: [q1, q2],
    priorities: maximum(first.priority, second.priority),
    metrics: {
      "train/critic_loss": loss,
      "train/q_mean": mul(add(mean(q1), mean(q2)), 0.5),
      "train/td_error_mean": mean(tdErrors),
      ...target.metrics,
      ...head.monitor?.(outputs),
    },
  };
}
