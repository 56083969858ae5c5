import {
  add,
  argmax,
  mean as average,
  broadcastTo,
  clip,
  exp,
  logSoftmax,
  mul,
  neg,
  oneHot,
  reshape,
  slice,
  sum,
  type Tensor,
} from "../compile/ops.ts";
import type { Parameters } from "./algorithm.ts";
import {
  type ActionDistribution,
  type DiagonalGaussianOptions,
  type PolicyHead,
  UNIT_ENTROPY,
} from "./diagonal-gaussian.ts";
import {
  actingLogProbabilities,
  draw,
  drawExpert,
  type GateOptions,
  linearGate,
  mixtureLogDensity,
  pick,
  type SquashedMixture,
} from "./gated-experts.ts";
import { constant } from "./initialisers.ts";
import { networkBody, output } from "./networks.ts";

/** A mixture before any squashing. */
export type GaussianMixture = SquashedMixture;

/** PPO's Gaussian, several times: means of the state, log deviations not, and a gate. */
export interface GaussianMixtureHead extends PolicyHead {
  mixture(parameters: Parameters, observations: Tensor): GaussianMixture;
}

/**
 * a ~ sum_k w_k(s) N(mean_k(s), exp(logStd_k)). The densities that PPO compares are those of the whole
 * mixture, so its gradient reaches the gate, and each expert by its share in the action.
 *
 * Source: Ren et al. 2021, arXiv 2104.09122; quantumiracle/Popular-RL-Algorithms pmoe_ppo.py, whose
 * densities are products, not sums of logarithms, and underflow.
 */
export function gaussianMixture(
  observationSize: number,
  actionSize: number,
  options: DiagonalGaussianOptions & GateOptions,
): GaussianMixtureHead {
  const { experts, logStdInit } = options;
  const shape = { prefix: "policy.", inputSize: observationSize };
  const body = networkBody(shape, options);
  const width = experts * actionSize;
  const heads = output(
    { ...shape, inputSize: body.outputSize, outputSize: width, outputGain: 0.01 },
    options,
  );
  const sizes = { hidden: body.outputSize, observation: observationSize };
  const gate = linearGate("policy.gate", sizes, options);
  const logStdSpec = { name: "policy.logStd", shape: [width], init: constant(logStdInit) };
  const mixture = (parameters: Parameters, observations: Tensor): GaussianMixture => {
    const size = [observations.shape[0] ?? 1, experts, actionSize];
    const logStd = parameters[logStdSpec.name];
    if (!logStd) throw new RangeError(`no parameter ${logStdSpec.name}`);
    const hidden = body.forward(parameters, observations);
    return {
      means: reshape(heads.forward(parameters, hidden), size),
      logStds: broadcastTo(reshape(logStd, [1, experts, actionSize]), size),
      logits: gate.logits(parameters, hidden, observations),
    };
  };
  return {
    parameters: [...body.parameters, ...heads.parameters, logStdSpec, ...gate.parameters],
    noiseSize: actionSize + 1,
    modeJumps: true,
    mixture,
    distribution: (parameters, observations) =>
      distributionOf(mixture(parameters, observations), options),
  };
}

function distributionOf(mixture: GaussianMixture, options: GateOptions): ActionDistribution {
  const { means, logStds, logits } = mixture;
  const [rows = 1, experts = 1, size = 1] = means.shape;
  const logGate = actingLogProbabilities(logits, options);
  return {
    sample: (noise) => {
      const chosen = drawExpert(logGate, slice(noise, [size, size + 1]));
      return draw(pick(chosen, means), pick(chosen, logStds), slice(noise, [0, size]));
    },
    logProbabilities: (actions) =>
      reshape(mixtureLogDensity(mixture, logGate, reshape(actions, [rows, 1, size])), [rows]),
    // Of expert and action together, which is never below that of the action: no formula is known for it.
    entropy: () => {
      const log = logSoftmax(logits);
      const each = sum(add(logStds, UNIT_ENTROPY), -1);
      return average(sum(mul(exp(log), add(each, neg(log))), -1));
    },
    mode: () => clip(pick(oneHot(argmax(logits), experts), means), -1, 1),
    metrics: { "train/std": average(exp(logStds)) },
  };
}
