import {
  add,
  argmax,
  concat,
  mean,
  mul,
  oneHot,
  reshape,
  scalar,
  slice,
  square,
  stopGradient,
  sub,
  type Tensor,
  zeros,
} from "../compile/ops.ts";
import { gateLosses } from "./gate-losses.ts";
import { draw, repeatRows } from "./gated-experts.ts";
import type { GaussianMixtureHead } from "./gaussian-mixture.ts";
import { mixtureMetrics } from "./mixture-metrics.ts";
import { type NetworkOptions, network } from "./networks.ts";
import type { PmoeOptions } from "./pmoe.ts";
import type { PpoAddition } from "./ppo.ts";

/**
 * What a mixture adds to PPO: a critic Q(s, a), which learns the returns that were estimated and serves the
 * gate alone, and the gate's loss over fresh draws of all experts.
 *
 * Source: quantumiracle/Popular-RL-Algorithms, pmoe_ppo.py.
 */
export function gateOfExperts(
  sizes: { readonly observationSize: number; readonly actionSize: number },
  head: GaussianMixtureHead,
  options: NetworkOptions & PmoeOptions,
): PpoAddition {
  const { actionSize } = sizes;
  const { experts, gateWeight } = options;
  const judge = network(
    { prefix: "gateCritic.", inputSize: sizes.observationSize + actionSize, outputSize: 1 },
    options,
  );
  const gateLoss = gateLosses[options.gateLoss];
  const drawn = experts * actionSize;
  return {
    parameters: judge.parameters,
    noiseSize: drawn + gateLoss.noiseSize(experts),
    loss: ({ parameters, observations, actions, returns, noise }) => {
      const [rows = 1] = observations.shape;
      const value = (states: Tensor, chosen: Tensor): Tensor => {
        const values = judge.forward(parameters, concat([states, chosen]));
        return reshape(values, [states.shape[0] ?? 1]);
      };
      const error = mean(square(sub(value(observations, actions), returns)));

      const mixture = head.mixture(parameters, observations);
      const scores = reshape(slice(noise, [0, drawn]), mixture.means.shape);
      const fresh = stopGradient(draw(mixture.means, mixture.logStds, scores));
      const found = value(
        repeatRows(observations, experts),
        reshape(fresh, [rows * experts, actionSize]),
      );
      const values = stopGradient(reshape(found, [rows, experts]));
      const best = oneHot(argmax(values), experts);
      const gate = gateLoss.loss(
        {
          ...{ values, best, actions: fresh, logits: mixture.logits },
          logProbabilities: zeros([rows, experts]),
          temperature: scalar(0),
          noise: slice(noise, [drawn, noise.shape[1] ?? 0]),
          value: (chosen) => value(observations, chosen),
        },
        options,
      );
      return {
        loss: add(error, mul(gate, gateWeight)),
        metrics: {
          "pmoe/critic_loss": error,
          "pmoe/gate_loss": gate,
          ...mixtureMetrics(mixture, best),
        },
        ...(judge.carry ? { carried: { agent: judge.carry(parameters) } } : {}),
      };
    },
  };
}
