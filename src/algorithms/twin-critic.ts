import { add, concat, less, minimum, mul, reshape, type Tensor, where } from "../compile/ops.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import type { CriticHead } from "./critics/critic-head.ts";
import { carryOf, type Layer } from "./layers.ts";
import { type NetworkOptions, network } from "./networks.ts";

/** The same of two critics. */
export type Twins = readonly [Tensor, Tensor];

/**
 * Two critics Q_1, Q_2 that differ in their initial weights alone.
 *
 * Their layout, separate tensors `q1.*` and `q2.*`, is decided here and nowhere else.
 */
export interface TwinCritic {
  readonly parameters: readonly ParameterSpec[];
  /** What the head reads, [n, head.outputs] each, from [n, observation size] and [n, action size]. */
  outputs(parameters: Parameters, observations: Tensor, actions: Tensor): Twins;
  /** See `Layer`. */
  readonly carry?: Layer["carry"];
}

export interface TwinCriticSizes {
  readonly observationSize: number;
  readonly actionSize: number;
}

export function twinCritic(
  { observationSize, actionSize }: TwinCriticSizes,
  head: Pick<CriticHead, "outputs" | "outputInit">,
  options: NetworkOptions,
): TwinCritic {
  const shape = {
    inputSize: observationSize + actionSize,
    outputSize: head.outputs,
    ...(head.outputInit ? { outputInit: head.outputInit } : {}),
  };
  const q1 = network({ ...shape, prefix: "q1." }, options);
  const q2 = network({ ...shape, prefix: "q2." }, options);
  return {
    parameters: [...q1.parameters, ...q2.parameters],
    outputs: (parameters, observations, actions) => {
      const input = concat([observations, actions]);
      return [q1.forward(parameters, input), q2.forward(parameters, input)];
    },
    ...carryOf([q1, q2]),
  };
}

/** How two critics become one opinion. */
export interface TwinRule {
  /** One value of two, [n]. */
  value(values: Twins): Tensor;
  /** One distribution of two, [n, atoms], given their means. */
  distribution(probabilities: Twins, values: Twins): Tensor;
}

export type TwinRuleName = "min" | "mean";

export const twinRules: Readonly<Record<TwinRuleName, TwinRule>> = {
  /**
   * The pessimist: the smaller value (Fujimoto et al. 2018, arXiv 1802.09477, equation 10), and the whole
   * distribution of the critic with the smaller mean (as in DAVIAN-Robotics/SimbaV2). An elementwise
   * minimum of probabilities would be no distribution.
   */
  min: {
    value: ([q1, q2]) => minimum(q1, q2),
    distribution: ([p1, p2], [q1, q2]) => {
      const second = less(q2, q1);
      return where(reshape(second, [...second.shape, 1]), p2, p1);
    },
  },
  /** Averages of both (as in naumix/BiggerRegularizedCategorical). */
  mean: {
    value: average,
    distribution: average,
  },
};

function average([a, b]: Twins): Tensor {
  return mul(add(a, b), 0.5);
}
