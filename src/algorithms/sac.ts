import { add, mean, mul, neg, sub, type Tensor, tanh } from "../compile/ops.ts";
import type {
  AdamOptions,
  Algorithm,
  InputSpec,
  LossInputs,
  LossResult,
  LossStage,
  Parameters,
} from "./algorithm.ts";
import type { NetworkOptions } from "./networks.ts";
import {
  type GaussianPolicy,
  gaussianPolicy,
  type LogStdOptions,
  sampleSquashed,
} from "./squashed-gaussian.ts";
import { automaticTemperature, fixedTemperature, type Temperature } from "./temperature.ts";
import {
  largestError,
  type RegressionLoss,
  regressionErrors,
  smallerValue,
  type TwinCritic,
  twinCritic,
} from "./twin-critic.ts";

export interface SacOptions extends NetworkOptions, LogStdOptions {
  /** Adam's step size for each group. */
  readonly learningRates: {
    readonly actor: number;
    readonly critic: number;
    readonly temperature: number;
  };
  readonly adam: Omit<AdamOptions, "learningRate">;
  /** Share of the critic that enters its slow copy per update. */
  readonly tau: number;
  /** huber: with LAP's priorities and no importance weights (Fujimoto et al. 2020). */
  readonly criticLoss: RegressionLoss;
  /** auto: learned, from `initialTemperature`; a number: fixed. */
  readonly temperature: "auto" | number;
  readonly initialTemperature: number;
  /** In nats of the action in [-1, 1]; auto: minus the action size. */
  readonly targetEntropy: "auto" | number;
  readonly temperatureLoss: "alpha" | "logAlpha";
}

/** Source: Haarnoja et al. 2018, arXiv 1812.05905, table 1; bounds of log std: CleanRL. */
export const sacDefaults: SacOptions = {
  hidden: [256, 256],
  activation: "relu",
  initialisation: "uniform",
  logStdMin: -5,
  logStdMax: 2,
  logStdBound: "squash",
  learningRates: { actor: 3e-4, critic: 3e-4, temperature: 3e-4 },
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  tau: 0.005,
  criticLoss: "squared",
  temperature: "auto",
  initialTemperature: 1,
  targetEntropy: "auto",
  temperatureLoss: "alpha",
};

export interface SacSizes {
  readonly observationSize: number;
  readonly actionSize: number;
  readonly batchSize: number;
}

interface SacInputs extends LossInputs {
  readonly parameters: Readonly<Record<"actor" | "critic" | "targetCritic", Parameters>>;
  readonly batch: Readonly<
    Record<
      | "observations"
      | "actions"
      | "nextObservations"
      | "returns"
      | "bootstrapDiscounts"
      | "importanceWeights",
      Tensor
    >
  >;
  readonly noise: Readonly<Record<"actions" | "nextActions", Tensor>>;
}

/** What SAC is composed of; exchange one for another method's. */
export interface SacParts {
  readonly policy: GaussianPolicy;
  readonly critic: TwinCritic;
  /** The error of one critic, [n], from Q(s, a) - y, [n]. */
  readonly criticError: (delta: Tensor) => Tensor;
  readonly temperature: Temperature;
}

export function sacParts(options: SacOptions, sizes: SacSizes): SacParts {
  const { observationSize, actionSize } = sizes;
  return {
    policy: gaussianPolicy(observationSize, actionSize, options),
    critic: twinCritic(observationSize, actionSize, options),
    criticError: regressionErrors[options.criticLoss],
    temperature: makeTemperature(options, actionSize),
  };
}

/**
 * Soft actor-critic with twin critics and no separate value network.
 *
 * Source: Haarnoja et al. 2018, arXiv 1801.01290 and 1812.05905, algorithm 1.
 */
export function sac(options: SacOptions, sizes: SacSizes): Algorithm {
  const { observationSize, actionSize } = sizes;
  const { actor, critic } = options.learningRates;
  const parts = sacParts(options, sizes);
  const { policy } = parts;
  const adam = (learningRate: number): AdamOptions => ({ ...options.adam, learningRate });
  return {
    name: "sac",
    groups: [
      { name: "critic", parameters: parts.critic.parameters, optimizer: adam(critic) },
      { name: "actor", parameters: policy.parameters, optimizer: adam(actor) },
      ...(parts.temperature.group ? [parts.temperature.group] : []),
      { name: "targetCritic", parameters: parts.critic.parameters },
    ],
    stages: [criticStage(parts), actorStage(parts)],
    targets: [{ target: "targetCritic", source: "critic", tau: options.tau }],
    batch: batchColumns(sizes),
    noise: [
      { name: "nextActions", shape: [sizes.batchSize, actionSize] },
      { name: "actions", shape: [sizes.batchSize, actionSize] },
    ],
    policy: {
      group: "actor",
      observationSize,
      actionSize,
      sample: (parameters, observations, noise) =>
        sampleSquashed(policy.distribution(parameters, observations), noise).actions,
      mode: (parameters, observations) => tanh(policy.distribution(parameters, observations).mean),
    },
  };
}

/**
 * The value of the next state under the policy, its entropy included, makes the target:
 *
 *     y   = R + gamma^m (1 - terminated) (min_k Q'_k(s', a') - alpha log pi(a'|s')),  a' ~ pi(.|s')
 *     L_Q = sum_k mean(w (Q_k(s, a) - y)^2)
 *
 * where R is the m-step return and w the importance weight. Source: arXiv 1812.05905, equations 5, 6.
 */
export function criticStage({ policy, critic, criticError, temperature }: SacParts): LossStage {
  return {
    name: "critic",
    groups: ["critic"],
    loss({ parameters, batch, noise }: SacInputs): LossResult {
      const { nextObservations } = batch;
      const next = sampleSquashed(
        policy.distribution(parameters.actor, nextObservations),
        noise.nextActions,
      );
      const nextValue = sub(
        smallerValue(critic.values(parameters.targetCritic, nextObservations, next.actions)),
        mul(temperature.value(parameters), next.logProbabilities),
      );
      const target = add(batch.returns, mul(batch.bootstrapDiscounts, nextValue));

      const [q1, q2] = critic.values(parameters.critic, batch.observations, batch.actions);
      const [delta1, delta2] = [sub(q1, target), sub(q2, target)];
      const error = add(criticError(delta1), criticError(delta2));
      const loss = mean(mul(batch.importanceWeights, error));
      const tdErrors = largestError([delta1, delta2]);
      return {
        loss,
        metrics: {
          "train/critic_loss": loss,
          "train/q_mean": mul(add(mean(q1), mean(q2)), 0.5),
          "train/td_error_mean": mean(tdErrors),
        },
        perSample: { tdErrors },
      };
    },
  };
}

/**
 * The policy climbs the critics and its entropy, and the temperature follows the entropy; both from
 * one pass through the policy:
 *
 *     L_pi    = mean(alpha log pi(a|s) - min_k Q_k(s, a)),   a = tanh(mean + std * noise)
 *     L_alpha = -mean(alpha (log pi(a|s) + H)),              log pi held fixed
 *
 * alpha is held fixed in the first, so that the sum's gradient is that of each loss on its own group.
 * Source: arXiv 1812.05905, equations 9 and 18.
 */
export function actorStage({ policy, critic, temperature }: SacParts): LossStage {
  const { group } = temperature;
  return {
    name: "actor",
    groups: group ? ["actor", group.name] : ["actor"],
    loss({ parameters, batch: { observations }, noise }: SacInputs): LossResult {
      const distribution = policy.distribution(parameters.actor, observations);
      const { actions, logProbabilities } = sampleSquashed(distribution, noise.actions);
      const logProbability = mean(logProbabilities);
      const value = mean(smallerValue(critic.values(parameters.critic, observations, actions)));
      const alpha = temperature.value(parameters);
      const actorLoss = sub(mul(alpha, logProbability), value);
      const temperatureLoss = temperature.loss?.(parameters, logProbability);
      const metrics = {
        "train/actor_loss": actorLoss,
        "train/ent_coef": alpha,
        "train/entropy": neg(logProbability),
      };
      if (temperatureLoss === undefined) return { loss: actorLoss, metrics };
      return {
        loss: add(actorLoss, temperatureLoss),
        metrics: { ...metrics, "train/ent_coef_loss": temperatureLoss },
      };
    },
  };
}

function makeTemperature(options: SacOptions, actionSize: number): Temperature {
  if (options.temperature !== "auto") return fixedTemperature(options.temperature);
  return automaticTemperature({
    initial: options.initialTemperature,
    targetEntropy: options.targetEntropy === "auto" ? -actionSize : options.targetEntropy,
    loss: options.temperatureLoss,
    optimizer: { ...options.adam, learningRate: options.learningRates.temperature },
  });
}

/** What replay delivers; see SacInputs. */
function batchColumns({ observationSize, actionSize, batchSize }: SacSizes): InputSpec[] {
  return [
    { name: "observations", shape: [batchSize, observationSize] },
    { name: "actions", shape: [batchSize, actionSize] },
    { name: "nextObservations", shape: [batchSize, observationSize] },
    // R, the m-step return.
    { name: "returns", shape: [batchSize] },
    // gamma^m (1 - terminated).
    { name: "bootstrapDiscounts", shape: [batchSize] },
    { name: "importanceWeights", shape: [batchSize] },
  ];
}
