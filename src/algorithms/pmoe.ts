import {
  add,
  argmax,
  exp,
  mean,
  mul,
  oneHot,
  reshape,
  slice,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../compile/ops.ts";
import type { Parameters } from "./algorithm.ts";
import { type GateLossName, gateLosses } from "./gate-losses.ts";
import {
  actingLogProbabilities,
  draw,
  drawExpert,
  type GatedExperts,
  type GateOptions,
  gatedExperts,
  held,
  mixtureLogProbabilities,
  pick,
  repeatRows,
  type SquashedMixture,
  squashing,
} from "./gated-experts.ts";
import { mixtureMetrics } from "./mixture-metrics.ts";
import type { NetworkOptions } from "./networks.ts";
import type { Improvement, ImprovementInputs, SacPolicy, SampledActions } from "./sac-policy.ts";
import {
  gaussianPolicy,
  type LogStdOptions,
  logNormal,
  sampleSquashed,
} from "./squashed-gaussian.ts";

export interface PmoeOptions extends GateOptions {
  /** How the gate learns. */
  readonly gateLoss: GateLossName;
  readonly gateWeight: number;
  /** Of gumbel: the lower, the nearer to one expert at a time. */
  readonly gumbelTemperature: number;
  /** Who learns from a state: the expert whose action is the best there, or all. */
  readonly expertGradient: "max" | "all";
  /** Whose density the price of entropy is paid for: the expert's that acts, or the whole mixture's. */
  readonly entropy: "expert" | "mixture";
}

/** Source: Ren et al. 2021, arXiv 2104.09122; JieRen98/rlkit-pmoe. */
export const pmoeDefaults: PmoeOptions = {
  experts: 4,
  gateInput: "hidden",
  topK: 0,
  minProbability: 0,
  gateLoss: "frequency",
  gateWeight: 1,
  gumbelTemperature: 1,
  expertGradient: "max",
  entropy: "expert",
};

/** One draw of every expert in each of n states, and what is thought of it. */
interface Candidates {
  /** [n, experts, action size]. */
  readonly actions: Tensor;
  /** Each under its own expert or under the mixture, [n, experts]. */
  readonly logProbabilities: Tensor;
}

/** What the critics say of the candidates. */
interface Judged {
  /** [n, experts], constants. */
  readonly values: Tensor;
  /** Ones for the best candidate of each state, zeros for the others, [n, experts]. */
  readonly best: Tensor;
  /** mean over states of alpha log pi - Q, of the best or summed over all, []. */
  readonly loss: Tensor;
}

/**
 * A probabilistic mixture of experts as SAC's policy: every expert proposes an action, the critics
 * choose the best, that expert learns as SAC's Gaussian does, and the gate learns how often each is best.
 *
 * Source: Ren et al. 2021, arXiv 2104.09122; JieRen98/rlkit-pmoe.
 */
export function pmoe(
  sizes: { readonly observationSize: number; readonly actionSize: number },
  options: NetworkOptions & LogStdOptions & PmoeOptions,
): SacPolicy {
  const { experts } = options;
  const { observationSize, actionSize } = sizes;
  // A mixture of one is that one: no gate, no draw of an expert, the same numbers.
  if (experts === 1) return gaussianPolicy(observationSize, actionSize, options);
  const network = gatedExperts(observationSize, actionSize, options);
  const policy = new PmoePolicy(network, options, actionSize);
  const gateNoise = gateLosses[options.gateLoss].noiseSize(experts);
  return {
    parameters: network.parameters,
    noiseSize: actionSize + 1,
    lossNoiseSize: experts * actionSize + gateNoise,
    sample: (parameters, observations, noise) => policy.sample(parameters, observations, noise),
    mode: (parameters, observations) => policy.mode(parameters, observations),
    modeJumps: true,
    improve: (inputs) => policy.improve(inputs),
    units: network.units,
  };
}

class PmoePolicy {
  readonly #network: GatedExperts;
  readonly #options: PmoeOptions;
  readonly #actionSize: number;

  constructor(network: GatedExperts, options: PmoeOptions, actionSize: number) {
    this.#network = network;
    this.#options = options;
    this.#actionSize = actionSize;
  }

  /** An expert is drawn from the gate, and an action from that expert: a draw of the mixture. */
  sample(parameters: Parameters, observations: Tensor, noise: Tensor): SampledActions {
    const mixture = this.#network.distribution(parameters, observations);
    const { means, logStds, logits } = mixture;
    const [rows = 1] = means.shape;
    const logGate = actingLogProbabilities(logits, this.#options);
    const size = this.#actionSize;
    const chosen = drawExpert(logGate, slice(noise, [size, size + 1]));
    const expert = { mean: pick(chosen, means), logStd: pick(chosen, logStds) };
    const own = slice(noise, [0, size]);
    if (this.#options.entropy === "expert") return sampleSquashed(expert, own);
    const u = draw(expert.mean, expert.logStd, own);
    const density = mixtureLogProbabilities(mixture, logGate, reshape(u, [rows, 1, size]));
    return { actions: tanh(u), logProbabilities: reshape(density, [rows]) };
  }

  /** The mean of the likeliest expert. */
  mode(parameters: Parameters, observations: Tensor): Tensor {
    const { means, logits } = this.#network.distribution(parameters, observations);
    return tanh(pick(oneHot(argmax(logits), this.#options.experts), means));
  }

  improve(inputs: ImprovementInputs): Improvement {
    const { experts, entropy, gateLoss, gateWeight } = this.#options;
    const mixture = this.#network.distribution(inputs.parameters, inputs.observations);
    const candidates = this.#propose(mixture, inputs.noise);
    const judged = this.#judge(candidates, inputs);
    const gate = gateLosses[gateLoss].loss(
      {
        ...judged,
        actions: stopGradient(candidates.actions),
        logProbabilities: stopGradient(candidates.logProbabilities),
        logits: mixture.logits,
        noise: slice(inputs.noise, [experts * this.#actionSize, inputs.noise.shape[1] ?? 0]),
        temperature: inputs.temperature,
        value: (actions) => inputs.value(inputs.observations, actions),
      },
      this.#options,
    );
    const logProbabilities = entropy === "expert" ? judged.best : this.#gateOf(mixture);
    return {
      loss: add(judged.loss, mul(gate, gateWeight)),
      logProbability: mean(sum(mul(logProbabilities, candidates.logProbabilities), -1)),
      metrics: { "pmoe/gate_loss": gate, ...mixtureMetrics(mixture, judged.best) },
    };
  }

  #propose(mixture: SquashedMixture, noise: Tensor): Candidates {
    const { experts, entropy } = this.#options;
    const { means, logStds } = mixture;
    const scores = reshape(slice(noise, [0, experts * this.#actionSize]), means.shape);
    const u = draw(means, logStds, scores);
    const actions = tanh(u);
    if (entropy === "expert") {
      const density = sub(sum(logNormal(scores, logStds), -1), squashing(u));
      return { actions, logProbabilities: density };
    }
    // The mixture as a constant: its own gradient is zero on average, and would reach the losers.
    const fixed = held(mixture);
    const logGate = actingLogProbabilities(fixed.logits, this.#options);
    return { actions, logProbabilities: mixtureLogProbabilities(fixed, logGate, u) };
  }

  #gateOf({ logits }: SquashedMixture): Tensor {
    return stopGradient(exp(actingLogProbabilities(logits, this.#options)));
  }

  #judge({ actions, logProbabilities }: Candidates, inputs: ImprovementInputs): Judged {
    const { experts, expertGradient } = this.#options;
    const { observations, temperature, value } = inputs;
    const [rows = 1] = actions.shape;
    const isAll = expertGradient === "all";
    const proposed = reshape(isAll ? actions : stopGradient(actions), [
      rows * experts,
      this.#actionSize,
    ]);
    const found = reshape(value(repeatRows(observations, experts), proposed), [rows, experts]);
    const values = stopGradient(found);
    const best = oneHot(argmax(values), experts);
    const cost = mul(temperature, logProbabilities);
    if (isAll) return { values, best, loss: mean(sum(sub(cost, found), -1)) };
    // Only the best candidates go back through the critics: a second pass of n rows, not of n K.
    const gain = value(observations, pick(best, actions));
    return { values, best, loss: mean(sub(sum(mul(best, cost), -1), gain)) };
  }
}
