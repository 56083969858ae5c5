import { add, mul, neg, stopGradient, type Tensor } from "../compile/ops.ts";
import type {
  AdamOptions,
  Algorithm,
  LossInputs,
  LossResult,
  LossStage,
  Parameters,
} from "./algorithm.ts";
import { bestOf } from "./best-of.ts";
import { compareCritics } from "./critic-comparison.ts";
import type { CriticHead, Exploitation } from "./critics/critic-head.ts";
import { type CriticHeadOptions, type CriticName, criticHead } from "./critics/registry.ts";
import { type RobustOptions, robustLoss, worstNearby } from "./critics/robust-loss.ts";
import type { NetworkOptions } from "./networks.ts";
import { type OrthogonalGradients, orthogonalGroups } from "./orthogonal-groups.ts";
import type { MakeCritic, PolicyFamily } from "./plugin.ts";
import { type PmoeOptions, pmoe } from "./pmoe.ts";
import type { SacPolicy } from "./sac-policy.ts";
import { gaussianPolicy, type LogStdOptions } from "./squashed-gaussian.ts";
import { automaticTemperature, fixedTemperature, type Temperature } from "./temperature.ts";
import { type TransitionColumn, transitionBatch } from "./transition-batch.ts";
import {
  type TwinCritic,
  type TwinRule,
  type TwinRuleName,
  twinCritic,
  twinRules,
} from "./twin-critic.ts";

export interface SacOptions extends NetworkOptions, LogStdOptions, CriticHeadOptions {
  /** Where the policy's or the critics' networks are to differ. */
  readonly policyNetwork?: Partial<NetworkOptions>;
  readonly criticNetwork?: Partial<NetworkOptions>;
  /** Adam's step size for each group. */
  readonly learningRates: {
    readonly actor: number;
    readonly critic: number;
    readonly temperature: number;
  };
  readonly adam: Omit<AdamOptions, "learningRate">;
  /** Share of the critic that enters its slow copy per update. */
  readonly tau: number;
  /** What the critics learn: the value itself, or a distribution around it or of the return. */
  readonly critic: CriticName | MakeCritic;
  /** Of the two critics the smaller, or the mean. */
  readonly twin: TwinRuleName;
  /** auto: learned, from `initialTemperature`; a number: fixed. */
  readonly temperature: "auto" | number;
  readonly initialTemperature: number;
  /** In nats of the action in [-1, 1]; auto: minus the action size. */
  readonly targetEntropy: "auto" | number;
  readonly temperatureLoss: "alpha" | "logAlpha";
  /** A mixture of experts for a policy; left out: one Gaussian. */
  readonly pmoe?: PmoeOptions;
  /** A policy of another kind. */
  readonly family?: PolicyFamily;
  /** Whose optimisers see only what is orthogonal to the weights; none when left out. */
  readonly orthogonalGradients?: OrthogonalGradients;
  /** Makes the critics change slowly with the observation; left out: nothing does. */
  readonly robust?: RobustOptions;
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
  critic: "mse",
  criticLoss: "squared",
  twin: "min",
  support: { atoms: 101, min: -5, max: 5, locations: "atoms" },
  sigmaRatio: 0.75,
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

export interface SacInputs extends LossInputs {
  readonly parameters: Readonly<Record<"actor" | "critic" | "targetCritic", Parameters>>;
  readonly batch: Readonly<Record<TransitionColumn, Tensor>>;
  readonly noise: Readonly<Record<"actions" | "nextActions", Tensor>>;
}

/** What SAC is composed of; exchange one for another method's. */
export interface SacParts {
  readonly policy: SacPolicy;
  readonly critic: TwinCritic;
  /** What the critics' outputs mean and are held against. */
  readonly head: CriticHead;
  readonly twin: TwinRule;
  readonly temperature: Temperature;
  readonly robust?: RobustOptions;
}

export function sacParts(options: SacOptions, sizes: SacSizes): SacParts {
  const { actionSize } = sizes;
  const head = criticHead(options.critic, options);
  const policyOptions = { ...options, ...options.policyNetwork };
  return {
    policy: makePolicy(policyOptions, sizes),
    critic: twinCritic(sizes, head, { ...options, ...options.criticNetwork }),
    head,
    twin: twinRules[options.twin],
    temperature: makeTemperature(options, actionSize),
    ...(options.robust ? { robust: options.robust } : {}),
  };
}

function makePolicy(options: SacOptions, sizes: SacSizes): SacPolicy {
  const { family, pmoe: mixture } = options;
  if (family?.sac) return family.sac(sizes, options);
  if (mixture) return pmoe(sizes, { ...options, ...mixture });
  return gaussianPolicy(sizes.observationSize, sizes.actionSize, options);
}

/**
 * Soft actor-critic with twin critics and no separate value network.
 *
 * Source: Haarnoja et al. 2018, arXiv 1801.01290 and 1812.05905, algorithm 1.
 */
export function sac(
  options: SacOptions,
  sizes: SacSizes,
  parts: SacParts = sacParts(options, sizes),
): Algorithm {
  const { observationSize, actionSize } = sizes;
  const { actor, critic } = options.learningRates;
  const { policy } = parts;
  const adam = (learningRate: number): AdamOptions => ({ ...options.adam, learningRate });
  const orthogonal = orthogonalGroups(options.orthogonalGradients);
  return {
    name: "sac",
    groups: [
      {
        name: "critic",
        parameters: parts.critic.parameters,
        optimizer: adam(critic),
        ...orthogonal.critic,
      },
      {
        name: "actor",
        parameters: policy.parameters,
        optimizer: adam(actor),
        ...orthogonal.policy,
      },
      ...(parts.temperature.group ? [parts.temperature.group] : []),
      { name: "targetCritic", parameters: parts.critic.parameters },
    ],
    stages: [criticStage(parts), actorStage(parts)],
    targets: [{ target: "targetCritic", source: "critic", tau: options.tau }],
    batch: transitionBatch(sizes),
    noise: [
      { name: "nextActions", shape: [sizes.batchSize, policy.noiseSize] },
      { name: "actions", shape: [sizes.batchSize, policy.lossNoiseSize] },
    ],
    chooser: (candidates) => bestOf(parts, candidates),
    policy: {
      group: "actor",
      observationSize,
      actionSize,
      noiseSize: policy.noiseSize,
      sample: (parameters, observations, noise) =>
        policy.sample(parameters, observations, noise).actions,
      mode: policy.mode,
      ...(policy.modeJumps ? { modeJumps: true } : {}),
    },
  };
}

/** What a method adds to the critics' update. */
export interface CriticAddition {
  /** Moved by the same stage. */
  readonly groups: readonly string[];
  begin(inputs: SacInputs): {
    readonly exploitation?: Exploitation;
    /** Its own loss, if any, from what the critics say of the batch, [n], which it does not move. */
    conclude(values: Tensor): Partial<LossResult>;
  };
}

/**
 * The value of the next state under the policy, its entropy included, makes the target:
 *
 *     y   = R + gamma^m (1 - terminated) (min_k Q'_k(s', a') - alpha log pi(a'|s')),  a' ~ pi(.|s')
 *     L_Q = sum_k mean(w error(Q_k(s, a), y))
 *
 * where R is the m-step return and w the importance weight; the head says what the error is, at its
 * plainest (Q_k - y)^2, and the twin rule what may take the minimum's place.
 * Source: arXiv 1812.05905, equations 5, 6.
 */
export function criticStage(parts: SacParts, addition?: CriticAddition): LossStage {
  const { policy, critic, head, twin, temperature } = parts;
  return {
    name: "critic",
    groups: ["critic", ...(addition?.groups ?? [])],
    ...(parts.robust ? { prepare: (inputs: SacInputs) => findWorst(parts, inputs) } : {}),
    loss(inputs: SacInputs): LossResult {
      const { parameters, batch, noise } = inputs;
      const { nextObservations } = batch;
      const added = addition?.begin(inputs);
      const next = policy.sample(parameters.actor, nextObservations, noise.nextActions);
      const target = head.backUp(
        {
          returns: batch.returns,
          discounts: batch.bootstrapDiscounts,
          entropyCost: mul(temperature.value(parameters), next.logProbabilities),
          next: critic.outputs(parameters.targetCritic, nextObservations, next.actions),
          ...(added?.exploitation ? { exploitation: added.exploitation } : {}),
        },
        twin,
      );
      const outputs = critic.outputs(parameters.critic, batch.observations, batch.actions);
      const compared = compareCritics(head, target, { outputs, weights: batch.importanceWeights });
      const other = added?.conclude(stopGradient(twin.value(compared.values)));
      const robust = smoothness(parts, inputs);
      const terms = [other?.loss, robust.loss].filter((term) => term !== undefined);
      return {
        loss: terms.reduce((total, term) => add(total, term), compared.loss),
        metrics: { ...compared.metrics, ...other?.metrics, ...robust.metrics },
        perSample: { priorities: compared.priorities },
        carried: {
          ...(critic.carry ? { critic: critic.carry(parameters.critic) } : {}),
          ...other?.carried,
        },
      };
    },
  };
}

/** Each critic's value of the replayed actions in other states. */
function valuesOf(
  { critic, head }: SacParts,
  { parameters, batch: { actions } }: SacInputs,
): readonly ((observations: Tensor) => Tensor)[] {
  return ([0, 1] as const).map(
    (k) => (states) => head.value(critic.outputs(parameters.critic, states, actions)[k]),
  );
}

const worstOf = (critic: number): string => `worst observations of critic ${critic}`;

function findWorst(parts: SacParts, inputs: SacInputs): Readonly<Record<string, Tensor>> {
  const { robust } = parts;
  if (!robust) return {};
  const found = valuesOf(parts, inputs).map((value, k) => [
    worstOf(k),
    worstNearby(value, inputs.batch.observations, robust),
  ]);
  return Object.fromEntries(found) as Record<string, Tensor>;
}

/** What is paid for critics that jump between neighbouring observations; both together. */
function smoothness(parts: SacParts, inputs: SacInputs): Partial<LossResult> {
  const { robust } = parts;
  const { prepared } = inputs;
  if (!robust || !prepared) return {};
  const loss = valuesOf(parts, inputs)
    .map((value, k) => robustLoss(value, inputs.batch.observations, prepared[worstOf(k)] as Tensor))
    .reduce((total, other) => add(total, other));
  return { loss: mul(loss, robust.weight), metrics: { "train/robust_loss": loss } };
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
export function actorStage({ policy, critic, head, twin, temperature }: SacParts): LossStage {
  const { group } = temperature;
  return {
    name: "actor",
    groups: group ? ["actor", group.name] : ["actor"],
    loss({ parameters, batch: { observations }, noise }: SacInputs): LossResult {
      const alpha = temperature.value(parameters);
      const improvement = policy.improve({
        parameters: parameters.actor,
        observations,
        noise: noise.actions,
        temperature: alpha,
        value: (states, actions) => {
          const [first, second] = critic.outputs(parameters.critic, states, actions);
          return twin.value([head.value(first), head.value(second)]);
        },
      });
      const { loss: actorLoss, logProbability } = improvement;
      const temperatureLoss = temperature.loss?.(parameters, logProbability);
      const metrics = {
        "train/actor_loss": actorLoss,
        "train/ent_coef": alpha,
        "train/entropy": neg(logProbability),
        ...improvement.metrics,
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
