import {
  add,
  broadcastTo,
  cast,
  concat,
  erf,
  exp,
  fromArray,
  greater,
  less,
  log,
  logSoftmax,
  logSumExp,
  matmul,
  mul,
  neg,
  oneHot,
  reshape,
  softmax,
  split,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
} from "../compile/ops.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import { dense } from "./layers.ts";
import { type NetworkOptions, networkBody, output } from "./networks.ts";
import type { PolicyUnits } from "./sac-policy.ts";
import {
  boundLogStd,
  type LogStdOptions,
  logNormal,
  logSquashDerivative,
} from "./squashed-gaussian.ts";

/** pi(a | s) = sum_k w_k(s) pi_k(a | s), each pi_k a squashed Gaussian, for n states. */
export interface SquashedMixture {
  /** [n, experts, action size]. */
  readonly means: Tensor;
  /** [n, experts, action size]. */
  readonly logStds: Tensor;
  /** Scores of the gate, [n, experts]: w = softmax(logits). */
  readonly logits: Tensor;
}

export interface GateOptions {
  /** K, the number of Gaussians. */
  readonly experts: number;
  /** hidden: the last hidden layer, which the gate does not move; observations: those themselves. */
  readonly gateInput: "hidden" | "observations";
  /** Experts with the highest probabilities that may act, with those that tie with the last; 0: all. */
  readonly topK: number;
  /** Least probability of an expert that acts; 0: none. */
  readonly minProbability: number;
}

export interface GatedExperts {
  readonly parameters: readonly ParameterSpec[];
  distribution(parameters: Parameters, observations: Tensor): SquashedMixture;
  /** Each expert is a head of its own: its means and raw log standard deviations, [n, 2 action size]. */
  units(parameters: Parameters, observations: Tensor): PolicyUnits;
}

/**
 * One network for all experts, whose output is all means, then all raw log standard deviations, in one
 * wide product, and a linear gate beside it.
 *
 * Source: Ren et al. 2021, arXiv 2104.09122; the network is that of JieRen98/rlkit-pmoe.
 */
export function gatedExperts(
  observationSize: number,
  actionSize: number,
  options: NetworkOptions & LogStdOptions & GateOptions,
): GatedExperts {
  const { experts } = options;
  const width = experts * actionSize;
  const body = networkBody({ prefix: "", inputSize: observationSize }, options);
  const heads = output(
    { prefix: "", inputSize: body.outputSize, outputSize: 2 * width, outputGain: 0.01 },
    options,
  );
  const sizes = { hidden: body.outputSize, observation: observationSize };
  const gate = linearGate("gate", sizes, options);
  return {
    parameters: [...body.parameters, ...heads.parameters, ...gate.parameters],
    units: (parameters, observations) => {
      const hidden: Tensor[] = [];
      const last = body.forward(parameters, observations, (units) => hidden.push(units));
      const sizes = Array.from({ length: 2 * experts }, () => actionSize);
      const parts = split(heads.forward(parameters, last), sizes);
      const [means, raw] = [parts.slice(0, experts), parts.slice(experts)];
      const own = means.flatMap((mean, k) => [concat([mean, ...raw.slice(k, k + 1)])]);
      return { hidden, heads: [...own, gate.logits(parameters, last, observations)] };
    },
    distribution: (parameters, observations) => {
      const [rows = 1] = observations.shape;
      const hidden = body.forward(parameters, observations);
      const [means, raw] = split(heads.forward(parameters, hidden), [width, width]) as [
        Tensor,
        Tensor,
      ];
      return {
        means: reshape(means, [rows, experts, actionSize]),
        logStds: reshape(boundLogStd(raw, options), [rows, experts, actionSize]),
        logits: gate.logits(parameters, hidden, observations),
      };
    },
  };
}

/** Says how likely each expert is to act. */
interface LinearGate {
  readonly parameters: readonly ParameterSpec[];
  /** Scores, [n, experts], of the last hidden layer, [n, hidden], which it does not move, or of observations. */
  logits(parameters: Parameters, hidden: Tensor, observations: Tensor): Tensor;
}

export function linearGate(
  name: string,
  sizes: { readonly hidden: number; readonly observation: number },
  { experts, gateInput, initialisation }: GateOptions & Pick<NetworkOptions, "initialisation">,
): LinearGate {
  const isHidden = gateInput === "hidden";
  const layer = dense({
    ...{ name, initialisation, gain: 0.01 },
    inputSize: isHidden ? sizes.hidden : sizes.observation,
    outputSize: experts,
  });
  return {
    parameters: layer.parameters,
    logits: (parameters, hidden, observations) =>
      layer.forward(parameters, isHidden ? stopGradient(hidden) : observations),
  };
}

/** The same mixture as a constant. */
export function held({ means, logStds, logits }: SquashedMixture): SquashedMixture {
  return {
    means: stopGradient(means),
    logStds: stopGradient(logStds),
    logits: stopGradient(logits),
  };
}

/** log w of the gate that acts, [n, experts], from the scores of the one that is learned. */
export function actingLogProbabilities(
  logits: Tensor,
  { experts, topK, minProbability }: GateOptions,
): Tensor {
  const kept = topK > 0 && topK < experts ? keepLargest(logits, topK) : logits;
  if (minProbability <= 0) return logSoftmax(kept);
  return log(add(mul(softmax(kept), 1 - experts * minProbability), minProbability));
}

/** Low enough to be 0 as a probability, and finite. */
const NEVER = -1e9;

function keepLargest(logits: Tensor, count: number): Tensor {
  const [rows = 1, experts = 1] = logits.shape;
  const larger = greater(reshape(logits, [rows, 1, experts]), reshape(logits, [rows, experts, 1]));
  return where(less(sum(cast(larger, "float32"), -1), count), logits, NEVER);
}

/** One expert for each row, [n, experts], ones and zeros, from log w and one standard normal, [n, 1]. */
export function drawExpert(logProbabilities: Tensor, noise: Tensor): Tensor {
  const experts = logProbabilities.shape[1] ?? 1;
  const bounds = experts - 1;
  // Column k adds up the probabilities of the experts 0 to k.
  const cumulative = Float32Array.from({ length: experts * bounds }, (_, i) =>
    Math.floor(i / bounds) <= i % bounds ? 1 : 0,
  );
  const uniform = add(mul(erf(mul(noise, Math.SQRT1_2)), 0.5), 0.5);
  const upTo = matmul(exp(logProbabilities), fromArray(cumulative, [experts, bounds]));
  const below = sum(cast(less(uniform, upTo), "float32"), -1);
  return oneHot(cast(sub(bounds, below), "int32"), experts);
}

/** What `chosen`, [n, experts], ones and zeros, says of a value per expert: [n, experts, m] -> [n, m]. */
export function pick(chosen: Tensor, values: Tensor): Tensor {
  return sum(mul(reshape(chosen, [...chosen.shape, 1]), values), 1);
}

/** A draw before it is squashed: u = mean + std * noise, of any shape. */
export function draw(means: Tensor, logStds: Tensor, noise: Tensor): Tensor {
  return add(means, mul(exp(logStds), noise));
}

/** sum log(1 - tanh(u)^2) over the last axis. */
export function squashing(u: Tensor): Tensor {
  return sum(logSquashDerivative(u), -1);
}

/** log sum_k w_k pi_k(tanh(u) | s), [n, m]; see `mixtureLogDensity`. */
export function mixtureLogProbabilities(
  mixture: Omit<SquashedMixture, "logits">,
  logProbabilities: Tensor,
  u: Tensor,
): Tensor {
  return sub(mixtureLogDensity(mixture, logProbabilities, u), squashing(u));
}

/**
 * log sum_k w_k N(u; mean_k, std_k), [n, m], of m draws for each state, [n, m, action size], with log w,
 * [n, experts]: the largest term is taken out of the sum, as densities of many dimensions underflow.
 */
export function mixtureLogDensity(
  { means, logStds }: Omit<SquashedMixture, "logits">,
  logProbabilities: Tensor,
  u: Tensor,
): Tensor {
  const [rows = 1, experts = 1, actionSize = 1] = means.shape;
  const perExpert = [rows, 1, experts, actionSize];
  const scales = reshape(logStds, perExpert);
  const [, draws = 1] = u.shape;
  const points = reshape(u, [rows, draws, 1, actionSize]);
  const scores = mul(sub(points, reshape(means, perExpert)), exp(neg(scales)));
  const densities = sum(logNormal(scores, scales), -1);
  const weighted = add(densities, reshape(logProbabilities, [rows, 1, experts]));
  return logSumExp(weighted);
}

/** Each row `count` times in a row: [n, m] -> [n count, m]. */
export function repeatRows(x: Tensor, count: number): Tensor {
  const [rows = 1, columns = 1] = x.shape;
  const repeated = broadcastTo(reshape(x, [rows, 1, columns]), [rows, count, columns]);
  return reshape(repeated, [rows * count, columns]);
}
