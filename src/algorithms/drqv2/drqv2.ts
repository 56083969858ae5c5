import {
  add,
  maximum,
  mean,
  mul,
  neg,
  sigmoid,
  stopGradient,
  sub,
  type Tensor,
  zeros,
} from "../../compile/ops.ts";
import type { ImageSpace } from "../../envs/env.ts";
import type {
  AdamOptions,
  Algorithm,
  LossInputs,
  LossResult,
  LossStage,
  ParameterGroup,
  Parameters,
  Policy,
} from "../algorithm.ts";
import { compareCritics } from "../critic-comparison.ts";
import type { CriticHead } from "../critics/critic-head.ts";
import { type CriticHeadOptions, type CriticName, criticHead } from "../critics/registry.ts";
import {
  DRM_GROUP,
  type DrmOptions,
  drmConstant,
  type Guidance,
  guide,
  TARGET,
  VALUE_GROUP,
} from "../drm/guidance.ts";
import { convolutionalEncoder, type Encoder, type EncoderOptions } from "../encoder.ts";
import {
  EXPLORATION,
  explorationStd,
  LINEAR,
  noisyActions,
  SCHEDULE_GROUP,
  scheduleGroup,
} from "../exploration-noise.ts";
import { constant } from "../initialisers.ts";
import type { Network, NetworkOptions } from "../networks.ts";
import { type OrthogonalGradients, orthogonalGroups } from "../orthogonal-groups.ts";
import type { MakeCritic } from "../plugin.ts";
import { type TransitionColumn, transitionBatch } from "../transition-batch.ts";
import { type TwinCritic, type TwinRule, type TwinRuleName, twinRules } from "../twin-critic.ts";
import { type MeanPolicy, meanPolicy, trunkedCritic, trunkedValue } from "./networks.ts";

export interface Drqv2Options extends NetworkOptions, CriticHeadOptions {
  /** Where the policy's or the critics' networks are to differ. */
  readonly policyNetwork?: Partial<NetworkOptions>;
  readonly criticNetwork?: Partial<NetworkOptions>;
  /** Adam's step size; the encoder has the critic's, which moves it. */
  readonly learningRates: { readonly actor: number; readonly critic: number };
  readonly adam: Omit<AdamOptions, "learningRate">;
  /** Share of the critic that enters its slow copy per update. */
  readonly tau: number;
  readonly critic: CriticName | MakeCritic;
  readonly twin: TwinRuleName;
  /** Of pixels alone. */
  readonly encoder: EncoderOptions;
  /** Numbers that policy, critics and V make of what they see before anything else. */
  readonly featureSize: number;
  /** Bound of the noise on the losses' actions. */
  readonly noiseClip: number;
  readonly orthogonalGradients?: OrthogonalGradients;
  /** Dormant-ratio minimisation; left out: none. */
  readonly drm?: DrmOptions;
}

/** Source: facebookresearch/drqv2, cfgs/config.yaml. */
export const drqv2Defaults: Drqv2Options = {
  hidden: [1024, 1024],
  hiddenGain: 1,
  activation: "relu",
  initialisation: "orthogonal",
  learningRates: { actor: 1e-4, critic: 1e-4 },
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  tau: 0.01,
  critic: "mse",
  criticLoss: "squared",
  twin: "min",
  support: { atoms: 101, min: -5, max: 5, locations: "atoms" },
  sigmaRatio: 0.75,
  encoder: { channels: 32, strides: [2, 1, 1, 1] },
  featureSize: 50,
  noiseClip: 0.3,
};

export interface Drqv2Sizes {
  readonly observationSize: number;
  /** What observations show; left out: they are states, and there is no encoder. */
  readonly image?: ImageSpace | undefined;
  readonly actionSize: number;
  readonly batchSize: number;
}

/** What stages hand on: the encoder's features of s, [n, features], and the noise's deviation, []. */
const FEATURES = "features";
const STD = "std";

interface Drqv2Inputs extends LossInputs {
  readonly parameters: Readonly<Record<"actor" | "critic" | "targetCritic", Parameters>>;
  readonly batch: Readonly<Record<TransitionColumn | typeof STD, Tensor>>;
  readonly noise: Readonly<Record<"actions" | "nextActions", Tensor>>;
}

/** What the method is composed of. */
interface Parts {
  readonly encoder: Encoder | undefined;
  readonly policy: MeanPolicy;
  readonly critic: TwinCritic;
  readonly value: Network | undefined;
  readonly head: CriticHead;
  readonly twin: TwinRule;
}

/**
 * DrQ-v2: a deterministic policy with noise from a schedule, two critics, and for pixels an encoder that
 * the critics' loss alone moves; on states, with no encoder, this is TD3 without its delay. With
 * dormant-ratio minimisation it is DrM as published.
 *
 * Source: Yarats et al. 2021, arXiv 2107.09645; Xu et al. 2024, arXiv 2310.19668.
 */
export function drqv2(options: Drqv2Options, sizes: Drqv2Sizes): Algorithm {
  const parts = makeParts(options, sizes);
  return {
    name: "drqv2",
    groups: groupsOf(parts, options),
    stages: [criticStage(parts, options), actorStage(parts, options)],
    targets: [{ target: "targetCritic", source: "critic", tau: options.tau }],
    batch: transitionBatch(sizes),
    noise: [
      { name: "nextActions", shape: [sizes.batchSize, sizes.actionSize] },
      { name: "actions", shape: [sizes.batchSize, sizes.actionSize] },
    ],
    shared: [
      ...(parts.encoder
        ? [{ name: FEATURES, shape: [sizes.batchSize, parts.encoder.outputSize] }]
        : []),
      { name: STD, shape: [] },
    ],
    policy: policyOf(parts, sizes),
  };
}

function makeParts(options: Drqv2Options, sizes: Drqv2Sizes): Parts {
  const { image, observationSize, actionSize } = sizes;
  const encoder = image && convolutionalEncoder(image, options.encoder);
  const { featureSize } = options;
  const inner = { inputSize: encoder?.outputSize ?? observationSize, featureSize, actionSize };
  const head = criticHead(options.critic, options);
  const criticOptions = { ...options, ...options.criticNetwork };
  const exploits = options.drm !== undefined && options.drm.exploitation > 0;
  return {
    encoder,
    policy: meanPolicy(inner, { ...options, ...options.policyNetwork }),
    critic: trunkedCritic(inner, head, criticOptions),
    value: exploits ? trunkedValue(inner, criticOptions) : undefined,
    head,
    twin: twinRules[options.twin],
  };
}

function groupsOf({ encoder, policy, critic, value }: Parts, options: Drqv2Options) {
  const { learningRates, adam, drm } = options;
  const orthogonal = orthogonalGroups(options.orthogonalGradients);
  const moved = (name: string, part: Pick<Network, "parameters">): ParameterGroup => ({
    name,
    parameters: part.parameters,
    optimizer: {
      ...adam,
      learningRate: name === "actor" ? learningRates.actor : learningRates.critic,
    },
    ...(name === "actor" ? orthogonal.policy : orthogonal.critic),
  });
  const target = { name: TARGET, shape: [], init: constant(drm?.target ?? 0) };
  return [
    ...(encoder ? [moved("encoder", encoder)] : []),
    moved("critic", critic),
    moved("actor", policy),
    { name: "targetCritic", parameters: critic.parameters },
    ...(value ? [moved(VALUE_GROUP, value)] : []),
    ...(drm ? [{ name: DRM_GROUP, parameters: [target] }] : []),
    // Before it wakes up an agent has no linear schedule.
    scheduleGroup(drm ? 0 : 1),
  ];
}

/** The encoder's features of pixels; states are their own. */
function see({ encoder }: Parts, { parameters }: LossInputs, observations: Tensor): Tensor {
  return encoder ? encoder.encode(parameters["encoder"] ?? {}, observations) : observations;
}

/**
 * The target takes the smaller critic's value of the policy's action with clipped noise:
 *
 *     y   = R + gamma^m (1 - terminated) min_k Q'_k(s', clamp(mu(s') + clip(sigma noise, -c, c)))
 *     L_Q = sum_k mean(w error(Q_k(s, a), y))
 *
 * With DrM, V(s') is mixed in and sigma is the larger of the schedule's and 1 / (1 + exp(-(beta - target) / T)).
 */
function criticStage(parts: Parts, options: Drqv2Options): LossStage {
  const { encoder, policy, critic, value, head, twin } = parts;
  const { drm, noiseClip: bound } = options;
  return {
    name: "critic",
    groups: [...(encoder ? ["encoder"] : []), "critic", ...(value ? [VALUE_GROUP] : [])],
    loss(inputs: Drqv2Inputs): LossResult {
      const { parameters, batch, noise } = inputs;
      const features = see(parts, inputs, batch.observations);
      const held = stopGradient(features);
      const next = stopGradient(see(parts, inputs, batch.nextObservations));
      const guidance = drm && guideBy(parts, { inputs, held, next }, drm);
      const std = noiseStd(inputs, guidance, drm);
      const actions = noisyActions(policy.mean(parameters.actor, next), {
        ...{ normals: noise.nextActions, std, bound },
      });
      const target = head.backUp(
        {
          returns: batch.returns,
          discounts: batch.bootstrapDiscounts,
          entropyCost: zeros(batch.returns.shape),
          next: critic.outputs(parameters.targetCritic, next, actions),
          ...(guidance?.exploitation ? { exploitation: guidance.exploitation } : {}),
        },
        twin,
      );
      const outputs = critic.outputs(parameters.critic, features, batch.actions);
      const compared = compareCritics(head, target, { outputs, weights: batch.importanceWeights });
      const other = guidance?.conclude(stopGradient(twin.value(compared.values)));
      return {
        loss: other?.loss ? add(compared.loss, other.loss) : compared.loss,
        metrics: { ...compared.metrics, ...other?.metrics },
        perSample: { priorities: compared.priorities },
        shared: { ...(encoder ? { [FEATURES]: held } : {}), [STD]: std },
        carried: {
          ...(critic.carry ? { critic: critic.carry(parameters.critic) } : {}),
          ...other?.carried,
        },
      };
    },
  };
}

function guideBy(
  { policy, value }: Parts,
  seen: { readonly inputs: Drqv2Inputs; readonly held: Tensor; readonly next: Tensor },
  options: DrmOptions,
): Guidance {
  const { inputs, held, next } = seen;
  const { parameters, batch } = inputs;
  const units = policy.units(parameters.actor, held);
  const { importanceWeights } = batch;
  const question = { parameters, units, observations: held, nextObservations: next };
  return guide({ ...question, importanceWeights }, options, value);
}

/** sigma, []. */
function noiseStd(
  { parameters }: LossInputs,
  guidance: Guidance | undefined,
  options: DrmOptions | undefined,
): Tensor {
  const linear = parameters[SCHEDULE_GROUP]?.[LINEAR];
  if (linear === undefined) throw new RangeError(`no constant ${LINEAR}`);
  if (!(guidance && options)) return linear;
  const above = sub(guidance.ratio, drmConstant(parameters, TARGET));
  return stopGradient(maximum(sigmoid(mul(above, 1 / options.explorationTemperature)), linear));
}

/**
 * The policy climbs the critics, at actions with the same clipped noise:
 *
 *     L_pi = -mean(min_k Q_k(s, clamp(mu(s) + clip(sigma noise, -c, c))))
 *
 * from the features that the critics' stage saw: they are of the encoder before its step, and held fixed.
 */
function actorStage(parts: Parts, { noiseClip: bound }: Drqv2Options): LossStage {
  const { encoder, policy, critic, head, twin } = parts;
  return {
    name: "actor",
    groups: ["actor"],
    loss({ parameters, batch, noise }: Drqv2Inputs): LossResult {
      const columns: Readonly<Record<string, Tensor>> = batch;
      const features = (encoder && columns[FEATURES]) ?? batch.observations;
      const actions = noisyActions(policy.mean(parameters.actor, features), {
        ...{ normals: noise.actions, std: batch.std, bound },
      });
      const [first, second] = critic.outputs(parameters.critic, features, actions);
      const loss = neg(mean(twin.value([head.value(first), head.value(second)])));
      return { loss, metrics: { "train/actor_loss": loss } };
    },
  };
}

/** Actors add the whole noise; nothing bounds it but the clamp. */
function policyOf({ encoder, policy }: Parts, sizes: Drqv2Sizes): Policy {
  const { observationSize, actionSize } = sizes;
  const mode = (parameters: Parameters, observations: Tensor): Tensor =>
    policy.mean(parameters, encoder ? encoder.encode(parameters, observations) : observations);
  return {
    group: "actor",
    ...(encoder ? { encoder: "encoder" } : {}),
    settings: [{ name: EXPLORATION, shape: [] }],
    observationSize,
    actionSize,
    mode,
    sample: (parameters, observations, normals) =>
      noisyActions(mode(parameters, observations), { normals, std: explorationStd(parameters) }),
  };
}
