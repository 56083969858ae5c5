import {
  abs,
  add,
  concat,
  maximum,
  minimum,
  mul,
  reshape,
  square,
  sub,
  type Tensor,
} from "../compile/ops.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import { mlp, type NetworkOptions } from "./networks.ts";

/** The error of a prediction, element by element, from the difference to its target. */
export type RegressionLoss = "squared" | "huber";

/** Two values of the same pairs of state and action, [n] each. */
export type TwinValues = readonly [Tensor, Tensor];

/**
 * Two critics Q_1, Q_2 that differ in their initial weights alone.
 *
 * Their layout, separate tensors `q1.*` and `q2.*`, is decided here and nowhere else.
 */
export interface TwinCritic {
  readonly parameters: readonly ParameterSpec[];
  /** Q_k(s, a) from [n, observation size] and [n, action size]. */
  values(parameters: Parameters, observations: Tensor, actions: Tensor): TwinValues;
}

export function twinCritic(
  observationSize: number,
  actionSize: number,
  options: NetworkOptions,
): TwinCritic {
  const shape = { inputSize: observationSize + actionSize, outputSize: 1 };
  const q1 = mlp({ ...shape, prefix: "q1." }, options);
  const q2 = mlp({ ...shape, prefix: "q2." }, options);
  return {
    parameters: [...q1.parameters, ...q2.parameters],
    values: (parameters, observations, actions) => {
      const input = concat([observations, actions]);
      const rows = observations.shape.slice(0, -1);
      return [
        reshape(q1.forward(parameters, input), rows),
        reshape(q2.forward(parameters, input), rows),
      ];
    },
  };
}

/** min_k Q_k: the pessimistic value. Source: Fujimoto et al. 2018, arXiv 1802.09477, equation 10. */
export function smallerValue([q1, q2]: TwinValues): Tensor {
  return minimum(q1, q2);
}

export const regressionErrors: Readonly<Record<RegressionLoss, (delta: Tensor) => Tensor>> = {
  squared: square,
  /** Threshold 1: delta^2 / 2 within it, |delta| - 1/2 beyond. */
  huber: (delta) => {
    const size = abs(delta);
    const inner = minimum(size, 1);
    return add(mul(square(inner), 0.5), sub(size, inner));
  },
};

/** max_k |delta_k|, [n]: what priorities are made of (Fujimoto et al. 2020, arXiv 2007.06049). */
export function largestError(deltas: TwinValues): Tensor {
  return maximum(abs(deltas[0]), abs(deltas[1]));
}
