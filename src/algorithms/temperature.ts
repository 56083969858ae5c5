import { add, exp, mul, neg, scalar, stopGradient, type Tensor } from "../compile/ops.ts";
import type { AdamOptions, LossInputs, ParameterGroup, Parameters } from "./algorithm.ts";
import { constant } from "./initialisers.ts";

/** alpha, the price of entropy: what one nat is worth in reward. */
export interface Temperature {
  /** Absent when nothing is learned. */
  readonly group?: ParameterGroup;
  /** alpha > 0, []; never moved by the loss that uses it. */
  value(parameters: LossInputs["parameters"]): Tensor;
  /**
   * L_alpha, [], from the mean log-probability of the policy's actions, which it does not move.
   * Absent when nothing is learned.
   */
  loss?(parameters: LossInputs["parameters"], meanLogProbability: Tensor): Tensor;
}

/** A price set once and for all. */
export function fixedTemperature(value: number): Temperature {
  return { value: () => scalar(value) };
}

export interface AutomaticTemperatureOptions {
  readonly initial: number;
  /** H, in nats: the entropy at which the price holds still. */
  readonly targetEntropy: number;
  /**
   * alpha: L = -alpha (log pi + H) (softlearning, CleanRL). logAlpha: log alpha in its place
   * (Stable-Baselines3, rlkit): the same fixed point, reached faster while alpha is small.
   */
  readonly loss: "alpha" | "logAlpha";
  readonly optimizer: AdamOptions;
}

/**
 * The price that keeps the policy's entropy at a target: alpha = exp(log alpha), moved down
 *
 *     L_alpha = -mean(alpha (log pi(a | s) + H))
 *
 * Source: Haarnoja et al. 2018, arXiv 1812.05905, equation 18.
 */
export function automaticTemperature(options: AutomaticTemperatureOptions): Temperature {
  const name = "temperature";
  const logTemperature = (parameters: LossInputs["parameters"]): Tensor =>
    (parameters[name] as Parameters & { readonly logTemperature: Tensor }).logTemperature;
  return {
    group: {
      name,
      parameters: [
        { name: "logTemperature", shape: [], init: constant(Math.log(options.initial)) },
      ],
      optimizer: options.optimizer,
    },
    value: (parameters) => stopGradient(exp(logTemperature(parameters))),
    loss: (parameters, meanLogProbability) => {
      const log = logTemperature(parameters);
      const price = options.loss === "alpha" ? exp(log) : log;
      return neg(mul(price, add(stopGradient(meanLogProbability), options.targetEntropy)));
    },
  };
}
