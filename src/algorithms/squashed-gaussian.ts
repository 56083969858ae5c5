import {
  add,
  clip,
  exp,
  mean,
  mul,
  type Operand,
  softplus,
  split,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../compile/ops.ts";
import type { Parameters } from "./algorithm.ts";
import { type NetworkOptions, network } from "./networks.ts";
import type { SacPolicy, SampledActions } from "./sac-policy.ts";

/**
 * u ~ N(mean, exp(logStd)), action = tanh(u), each dimension on its own. Everything stays in [-1, 1]:
 * the scale of the environment's actions enters no density, so an entropy target means the same
 * for every task.
 *
 * Source: Haarnoja et al. 2018, arXiv 1812.05905, appendix C.
 */
export interface SquashedGaussian {
  /** [n, action size]. */
  readonly mean: Tensor;
  /** [n, action size]. */
  readonly logStd: Tensor;
}

export interface LogStdOptions {
  readonly logStdMin: number;
  readonly logStdMax: number;
  /**
   * squash: min + (max - min) (1 + tanh x) / 2, which has a gradient everywhere (CleanRL); clamp:
   * what Spinning Up and Stable-Baselines3 do, with bounds -20 and 2.
   */
  readonly logStdBound: "squash" | "clamp";
}

/**
 * log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u)), the log-derivative of the squashing.
 *
 * This form is exact at any u; log(1 - tanh(u)^2 + 1e-6) is off by 0.8 at u = 8 and flat beyond.
 */
export function logSquashDerivative(u: Tensor): Tensor {
  return mul(sub(sub(Math.LN2, u), softplus(mul(u, -2))), 2);
}

/** log N(u; mean, exp(logStd)), element by element, from the standard score (u - mean) / std. */
export function logNormal(score: Tensor, logStd: Operand): Tensor {
  return sub(sub(mul(square(score), -0.5), logStd), 0.5 * Math.log(2 * Math.PI));
}

/**
 * Actions a = tanh(u), u = mean + std * noise, differentiable in mean and std, with
 *
 *     log pi(a | s) = sum over dimensions of log N(u; mean, std) - log(1 - tanh(u)^2)
 *
 * @param noise Standard normals, [n, action size]: they are the standard scores of u.
 */
export function sampleSquashed(policy: SquashedGaussian, noise: Tensor): SampledActions {
  const u = add(policy.mean, mul(exp(policy.logStd), noise));
  const density = sub(logNormal(noise, policy.logStd), logSquashDerivative(u));
  return { actions: tanh(u), logProbabilities: sum(density, -1) };
}

export function boundLogStd(
  raw: Tensor,
  { logStdMin, logStdMax, logStdBound }: LogStdOptions,
): Tensor {
  if (logStdBound === "clamp") return clip(raw, logStdMin, logStdMax);
  return add(mul(add(tanh(raw), 1), (logStdMax - logStdMin) / 2), logStdMin);
}

/** A network from observations, [n, observation size], to a squashed Gaussian. */
export interface GaussianPolicy extends SacPolicy {
  distribution(parameters: Parameters, observations: Tensor): SquashedGaussian;
}

/** One network whose output is the means, then the raw log standard deviations. */
export function gaussianPolicy(
  observationSize: number,
  actionSize: number,
  options: NetworkOptions & LogStdOptions,
): GaussianPolicy {
  const shape = { prefix: "", inputSize: observationSize, outputSize: 2 * actionSize };
  const net = network({ ...shape, outputGain: 0.01 }, options);
  const distribution = (parameters: Parameters, observations: Tensor): SquashedGaussian => {
    const output = net.forward(parameters, observations);
    const [mean, raw] = split(output, [actionSize, actionSize]) as [Tensor, Tensor];
    return { mean, logStd: boundLogStd(raw, options) };
  };
  return {
    parameters: net.parameters,
    distribution,
    noiseSize: actionSize,
    lossNoiseSize: actionSize,
    sample: (parameters, observations, noise) =>
      sampleSquashed(distribution(parameters, observations), noise),
    mode: (parameters, observations) => tanh(distribution(parameters, observations).mean),
    units: (parameters, observations) => {
      const hidden: Tensor[] = [];
      const output = net.forward(parameters, observations, (units) => hidden.push(units));
      return { hidden, heads: split(output, [actionSize, actionSize]) };
    },
    improve: ({ parameters, observations, noise, temperature, value }) => {
      const policy = distribution(parameters, observations);
      const { actions, logProbabilities } = sampleSquashed(policy, noise);
      const logProbability = mean(logProbabilities);
      const gain = mean(value(observations, actions));
      return { loss: sub(mul(temperature, logProbability), gain), logProbability };
    },
  };
}
