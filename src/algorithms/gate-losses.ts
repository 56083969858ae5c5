import {
  add,
  clip,
  erf,
  exp,
  log,
  logSoftmax,
  mean,
  mul,
  neg,
  softmax,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from "../compile/ops.ts";
import { drawExpert, pick } from "./gated-experts.ts";

/** What a gate can learn from: one candidate of each expert in n states; all but `logits` constants. */
export interface GateQuestion {
  /** Scores of the gate, [n, experts]. */
  readonly logits: Tensor;
  /** [n, experts, action size]. */
  readonly actions: Tensor;
  /** [n, experts]. */
  readonly logProbabilities: Tensor;
  /** What the critics say of the candidates, [n, experts]. */
  readonly values: Tensor;
  /** Ones for the best candidate of each state, zeros for the others, [n, experts]. */
  readonly best: Tensor;
  /** alpha, []. */
  readonly temperature: Tensor;
  /** Standard normals, [n, noiseSize]. */
  readonly noise: Tensor;
  /** What the critics say of other actions in the same states: [n, action size] -> [n]. */
  value(actions: Tensor): Tensor;
}

export interface GateLossOptions {
  /** Of gumbel. */
  readonly gumbelTemperature: number;
  /** Whether `logProbabilities` are those of single experts or of the mixture. */
  readonly entropy: "expert" | "mixture";
}

export type GateLossName = "frequency" | "enumerate" | "gumbel" | "score";

export interface GateLoss {
  noiseSize(experts: number): number;
  /** Mean over states, []. */
  loss(question: GateQuestion, options: GateLossOptions): Tensor;
}

/**
 * L = ||w - onehot(best)||^2, which is least where w_k is the probability that expert k is the best.
 * Source: Ren et al. 2021, arXiv 2104.09122, as in JieRen98/rlkit-pmoe but summed over experts.
 */
const frequency: GateLoss = {
  noiseSize: () => 0,
  loss: ({ logits, best }) => mean(sum(square(sub(softmax(logits), best)), -1)),
};

/** F = alpha log pi - Q, [n, experts]: what is to be small. */
function costs({ temperature, logProbabilities, values }: GateQuestion): Tensor {
  return sub(mul(temperature, logProbabilities), values);
}

/**
 * L = sum_k w_k F_k, the expectation itself, and the gate's part of the entropy, alpha sum_k w_k log w_k,
 * unless F has the mixture's density, which knows it.
 */
const enumerate: GateLoss = {
  noiseSize: () => 0,
  loss: (question, { entropy }) => {
    const logGate = logSoftmax(question.logits);
    const ownEntropy = mul(question.temperature, logGate);
    const cost = costs(question);
    const total = entropy === "expert" ? add(cost, ownEntropy) : cost;
    return mean(sum(mul(exp(logGate), total), -1));
  },
};

/** The gradient of the same expectation from one expert drawn per state: log w_k (F_k - sum_i w_i F_i). */
const score: GateLoss = {
  noiseSize: () => 1,
  loss: (question) => {
    const logGate = logSoftmax(question.logits);
    const cost = costs(question);
    const drawn = drawExpert(stopGradient(logGate), question.noise);
    const baseline = sum(mul(exp(stopGradient(logGate)), cost), -1);
    const advantage = sub(sum(mul(drawn, cost), -1), baseline);
    return mean(mul(sum(mul(drawn, logGate), -1), stopGradient(advantage)));
  },
};

/** Normals to uniforms, kept off 0 and 1, whose logarithms are infinite. */
const LEAST = 1e-6;

/**
 * The gate as a continuous part of the action: with Gumbel noise g and y = softmax((log w + g) / T),
 * L = alpha sum_k y_k log pi_k - Q(s, sum_k y_k a_k). Source: Jang et al. 2017, arXiv 1611.01144.
 */
const gumbel: GateLoss = {
  noiseSize: (experts) => experts,
  loss: (question, { gumbelTemperature }) => {
    const uniform = clip(
      add(mul(erf(mul(question.noise, Math.SQRT1_2)), 0.5), 0.5),
      LEAST,
      1 - LEAST,
    );
    const noise = neg(log(neg(log(uniform))));
    const shares = softmax(mul(add(logSoftmax(question.logits), noise), 1 / gumbelTemperature));
    const price = mul(question.temperature, sum(mul(shares, question.logProbabilities), -1));
    return mean(sub(price, question.value(pick(shares, question.actions))));
  },
};

export const gateLosses: Readonly<Record<GateLossName, GateLoss>> = {
  frequency,
  enumerate,
  gumbel,
  score,
};
