import {
  add,
  mean as average,
  clip,
  exp,
  mul,
  neg,
  sub,
  sum,
  type Tensor,
} from "../compile/ops.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import { constant } from "./initialisers.ts";
import { type NetworkOptions, network } from "./networks.ts";
import { logNormal } from "./squashed-gaussian.ts";

/** What a policy says about the actions in n states. */
export interface ActionDistribution {
  /** Differentiable draws, [n, action size], from standard normals, [n, noise size]. */
  sample(noise: Tensor): Tensor;
  /** log pi(a | s), [n], of any actions, [n, action size]. */
  logProbabilities(actions: Tensor): Tensor;
  /** Mean entropy in nats, []. */
  entropy(): Tensor;
  /** The most likely action, [n, action size]. */
  mode(): Tensor;
  /** Scalars to log, by metric key. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
}

/** A family of policies whose densities can be asked for: what PPO needs to know of one. */
export interface PolicyHead {
  readonly parameters: readonly ParameterSpec[];
  /** Standard normals that one action is drawn from; as many as an action has numbers when left out. */
  readonly noiseSize?: number;
  /** See `Policy`. */
  readonly modeJumps?: boolean;
  distribution(parameters: Parameters, observations: Tensor): ActionDistribution;
}

export interface DiagonalGaussianOptions extends NetworkOptions {
  /** Log standard deviation of every dimension at the start. */
  readonly logStdInit: number;
}

/** Differential entropy of a standard normal. */
export const UNIT_ENTROPY = 0.5 * Math.log(2 * Math.PI * Math.E);

/**
 * a ~ N(mean(s), exp(logStd)), each dimension on its own, logStd the same in every state.
 *
 * Actions are not squashed: the density is that of the action as drawn, and what an environment cannot
 * take is clipped when it is stepped. The mean's last layer starts 100 times smaller than the others, so
 * that the first actions are around 0 in every state.
 *
 * Source: Schulman et al. 2017, arXiv 1707.06347, section 6.1; vwxyzjn/cleanrl ppo_continuous_action.py.
 */
export function diagonalGaussian(
  observationSize: number,
  actionSize: number,
  options: DiagonalGaussianOptions,
): PolicyHead {
  const net = network(
    { prefix: "policy.", inputSize: observationSize, outputSize: actionSize, outputGain: 0.01 },
    options,
  );
  const logStdSpec = {
    name: "policy.logStd",
    shape: [actionSize],
    init: constant(options.logStdInit),
  };
  return {
    parameters: [...net.parameters, logStdSpec],
    distribution: (parameters, observations) => {
      const mean = net.forward(parameters, observations);
      const logStd = parameters[logStdSpec.name];
      if (!logStd) throw new RangeError(`no parameter ${logStdSpec.name}`);
      return gaussian(mean, logStd);
    },
  };
}

function gaussian(mean: Tensor, logStd: Tensor): ActionDistribution {
  return {
    sample: (noise) => add(mean, mul(exp(logStd), noise)),
    logProbabilities: (actions) => {
      const score = mul(sub(actions, mean), exp(neg(logStd)));
      return sum(logNormal(score, logStd), -1);
    },
    entropy: () => sum(add(logStd, UNIT_ENTROPY)),
    mode: () => clip(mean, -1, 1),
    metrics: { "train/std": average(exp(logStd)) },
  };
}
