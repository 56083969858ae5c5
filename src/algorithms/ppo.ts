import {
  abs,
  add,
  cast,
  clip,
  exp,
  greater,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  reciprocal,
  square,
  sub,
  sum,
  type Tensor,
} from "../compile/ops.ts";
import type {
  AdamOptions,
  Algorithm,
  LossInputs,
  LossResult,
  LossStage,
  ParameterSpec,
  Parameters,
} from "./algorithm.ts";
import type { CriticHead } from "./critics/critic-head.ts";
import { type CriticHeadOptions, type CriticName, criticHead } from "./critics/registry.ts";
import { type RobustOptions, robustLoss, worstNearby } from "./critics/robust-loss.ts";
import {
  type DiagonalGaussianOptions,
  diagonalGaussian,
  type PolicyHead,
} from "./diagonal-gaussian.ts";
import { gaussianMixture } from "./gaussian-mixture.ts";
import { type Network, type NetworkOptions, network } from "./networks.ts";
import { type OrthogonalGradients, orthogonalGroups } from "./orthogonal-groups.ts";
import type { MakeCritic, PolicyFamily } from "./plugin.ts";
import type { PmoeOptions } from "./pmoe.ts";
import { gateOfExperts } from "./pmoe-ppo.ts";

export interface PpoOptions extends DiagonalGaussianOptions, CriticHeadOptions {
  /** Where the policy's or the critic's network is to differ. */
  readonly policyNetwork?: Partial<NetworkOptions>;
  readonly criticNetwork?: Partial<NetworkOptions>;
  /** Adam's step size at the start of the run. */
  readonly learningRate: number;
  readonly adam: Omit<AdamOptions, "learningRate">;
  /** epsilon: how far the probability of an action may move, as a ratio, before it stops to pay. */
  readonly clipRatio: number;
  /** How far a value may move from the recorded one before it stops to pay; 0: as far as it likes. */
  readonly valueClip: number;
  readonly entropyCoefficient: number;
  readonly valueCoefficient: number;
  readonly maxGradNorm: number;
  /** What the critic learns; clipping its values is for mse alone. */
  readonly critic: CriticName | MakeCritic;
  /** A mixture of experts for a policy; left out: one Gaussian. */
  readonly pmoe?: PmoeOptions;
  /** A policy of another kind. */
  readonly family?: PolicyFamily;
  /** all: the optimiser sees only what is orthogonal to the weights; none when left out. */
  readonly orthogonalGradients?: OrthogonalGradients;
  /** Makes the critic change slowly with the observation; left out: nothing does. */
  readonly robust?: RobustOptions;
}

/** Source: vwxyzjn/cleanrl, cleanrl/ppo_continuous_action.py. */
export const ppoDefaults: PpoOptions = {
  hidden: [64, 64],
  activation: "tanh",
  initialisation: "orthogonal",
  logStdInit: 0,
  learningRate: 3e-4,
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-5 },
  clipRatio: 0.2,
  valueClip: 0.2,
  entropyCoefficient: 0,
  valueCoefficient: 0.5,
  maxGradNorm: 0.5,
  critic: "mse",
  criticLoss: "squared",
  support: { atoms: 101, min: -10, max: 10, locations: "atoms" },
  sigmaRatio: 0.75,
};

/** What the critic's robustness is measured on. */
const WORST = "worst observations";

/** The noise of an addition. */
const ADDED = "addition";

export interface PpoSizes {
  readonly observationSize: number;
  readonly actionSize: number;
  /** Steps in a minibatch. */
  readonly batchSize: number;
}

interface PpoInputs extends LossInputs {
  readonly parameters: Readonly<Record<"agent", Parameters>>;
  readonly batch: Readonly<
    Record<"observations" | "actions" | "logProbs" | "advantages" | "returns" | "values", Tensor>
  >;
  readonly noise: Readonly<Record<string, Tensor>>;
}

/** What a method adds to PPO's loss. */
export interface PpoAddition {
  readonly parameters: readonly ParameterSpec[];
  /** Standard normals that it takes for one state. */
  readonly noiseSize: number;
  loss(inputs: {
    readonly parameters: Parameters;
    readonly observations: Tensor;
    readonly actions: Tensor;
    readonly returns: Tensor;
    /** [n, noiseSize]. */
    readonly noise: Tensor;
  }): LossResult;
}

/** What PPO is composed of; exchange one for another method's. */
export interface PpoParts {
  readonly policy: PolicyHead;
  readonly critic: Network;
  /** What the critic's outputs mean and are held against. */
  readonly head: CriticHead;
  readonly addition?: PpoAddition;
}

function ppoParts(options: PpoOptions, sizes: PpoSizes): PpoParts {
  const { observationSize } = sizes;
  const head = criticHead(options.critic, options);
  return {
    ...policyParts(options, sizes),
    critic: network(
      {
        prefix: "value.",
        inputSize: observationSize,
        outputSize: head.outputs,
        ...(head.outputInit ? { outputInit: head.outputInit } : {}),
      },
      { ...options, ...options.criticNetwork },
    ),
    head,
  };
}

/** A mixture of one is PPO's Gaussian. */
function policyParts(options: PpoOptions, sizes: PpoSizes): Pick<PpoParts, "policy" | "addition"> {
  const { family, pmoe } = options;
  const { observationSize, actionSize } = sizes;
  const network = { ...options, ...options.policyNetwork };
  if (family?.ppo) return { policy: family.ppo(sizes, network) };
  if (!pmoe || pmoe.experts === 1) {
    return { policy: diagonalGaussian(observationSize, actionSize, network) };
  }
  const policy = gaussianMixture(observationSize, actionSize, { ...network, ...pmoe });
  const critic = { ...options, ...options.criticNetwork, ...pmoe };
  const addition = gateOfExperts({ observationSize, actionSize }, policy, critic);
  return { policy, addition };
}

/**
 * Proximal policy optimisation with a clipped ratio. Policy and critic have networks of their own but
 * one optimiser, whose gradient is clipped as a whole.
 *
 * Source: Schulman et al. 2017, arXiv 1707.06347, algorithm 1.
 */
export function ppo(
  options: PpoOptions,
  sizes: PpoSizes,
  parts: PpoParts = ppoParts(options, sizes),
): Algorithm {
  const { observationSize, actionSize, batchSize } = sizes;
  const { policy, critic, head, addition } = parts;
  const values = (parameters: Parameters, observations: Tensor): Tensor =>
    head.value(critic.forward(parameters, observations));
  return {
    name: "ppo",
    groups: [
      {
        name: "agent",
        parameters: [...policy.parameters, ...critic.parameters, ...(addition?.parameters ?? [])],
        optimizer: { ...options.adam, learningRate: options.learningRate },
        ...orthogonalGroups(options.orthogonalGradients).policy,
      },
    ],
    stages: [ppoStage(parts, options)],
    targets: [],
    batch: [
      { name: "observations", shape: [batchSize, observationSize] },
      { name: "actions", shape: [batchSize, actionSize] },
      // log pi(a | s) under the policy that the clip is centred on.
      { name: "logProbs", shape: [batchSize] },
      { name: "advantages", shape: [batchSize] },
      { name: "returns", shape: [batchSize] },
      // V(s) as it was when the data were made.
      { name: "values", shape: [batchSize] },
    ],
    noise: addition ? [{ name: ADDED, shape: [batchSize, addition.noiseSize] }] : [],
    policy: {
      group: "agent",
      observationSize,
      actionSize,
      noiseSize: policy.noiseSize ?? actionSize,
      ...(policy.modeJumps ? { modeJumps: true } : {}),
      sample: (parameters, observations, noise) =>
        clip(policy.distribution(parameters, observations).sample(noise), -1, 1),
      mode: (parameters, observations) => policy.distribution(parameters, observations).mode(),
      onPolicy: {
        act: (parameters, observations, noise) => {
          const distribution = policy.distribution(parameters, observations);
          const actions = distribution.sample(noise);
          return {
            actions,
            logProbs: distribution.logProbabilities(actions),
            values: values(parameters, observations),
          };
        },
        judge: (parameters, observations, actions) => ({
          logProbs: policy.distribution(parameters, observations).logProbabilities(actions),
          values: values(parameters, observations),
        }),
      },
    },
  };
}

/**
 * One stage for both networks:
 *
 *     r      = pi(a|s) / pi_old(a|s)
 *     L_clip = mean max(-A r, -A clip(r, 1 - epsilon, 1 + epsilon))
 *     L      = L_clip - c_e H + c_v L_V
 *
 * The columns hold what does not depend on the parameters: A already has mean 0 and deviation 1 over the
 * minibatch, and carries the importance of stale data (`src/learner/on-policy/minibatch.ts`).
 * Source: arXiv 1707.06347, equations 7 and 9.
 */
function ppoStage({ policy, critic, head, addition }: PpoParts, options: PpoOptions): LossStage {
  const { clipRatio, entropyCoefficient, valueCoefficient, maxGradNorm, robust } = options;
  const valuesOf =
    (agent: Parameters) =>
    (states: Tensor): Tensor =>
      head.value(critic.forward(agent, states));
  return {
    name: "agent",
    groups: ["agent"],
    maxGradNorm,
    ...(robust
      ? {
          prepare: ({ parameters: { agent }, batch }: PpoInputs) => ({
            [WORST]: worstNearby(valuesOf(agent), batch.observations, robust),
          }),
        }
      : {}),
    loss({ parameters: { agent }, batch, noise, prepared }: PpoInputs): LossResult {
      const distribution = policy.distribution(agent, batch.observations);
      const logRatio = sub(distribution.logProbabilities(batch.actions), batch.logProbs);
      const ratio = exp(logRatio);
      const gain = minimum(
        mul(batch.advantages, ratio),
        mul(batch.advantages, clip(ratio, 1 - clipRatio, 1 + clipRatio)),
      );
      const policyLoss = neg(mean(gain));
      const outputs = critic.forward(agent, batch.observations);
      const { loss: valueLoss, metrics: ofCritic } = criticLoss({ head, outputs, batch }, options);
      const entropy = distribution.entropy();
      const price = add(mul(valueLoss, valueCoefficient), mul(entropy, -entropyCoefficient));
      const added =
        noise[ADDED] && addition?.loss({ ...batch, parameters: agent, noise: noise[ADDED] });
      const worst = prepared?.[WORST];
      const jump = worst && robustLoss(valuesOf(agent), batch.observations, worst);
      const priced = jump && mul(jump, robust?.weight ?? 0);
      const terms = [added?.loss, priced].filter((term) => term !== undefined);
      return {
        loss: terms.reduce((total, term) => add(total, term), add(policyLoss, price)),
        metrics: {
          "train/policy_gradient_loss": policyLoss,
          "train/value_loss": valueLoss,
          "train/entropy": entropy,
          // (r - 1) - log r: never negative, and less noisy than -log r (Schulman 2020, "Approximating KL").
          "train/approx_kl": mean(sub(sub(ratio, 1), logRatio)),
          "train/clip_fraction": mean(cast(greater(abs(sub(ratio, 1)), clipRatio), "float32")),
          "train/effective_sample_size": effectiveShare(ratio),
          ...distribution.metrics,
          ...ofCritic,
          ...added?.metrics,
          ...(jump ? { "train/robust_loss": jump } : {}),
        },
        carried: { agent: { ...critic.carry?.(agent), ...added?.carried?.["agent"] } },
      };
    },
  };
}

/**
 * L_V = mean max((V - R)^2, (V_old + clip(V - V_old, -c, c) - R)^2) / 2, or what another head's distance
 * to R is. Source: vwxyzjn/cleanrl; openai/baselines ppo2.
 */
function criticLoss(
  parts: {
    readonly head: CriticHead;
    readonly outputs: Tensor;
    readonly batch: PpoInputs["batch"];
  },
  { critic, valueClip }: PpoOptions,
): LossResult {
  const { head, outputs, batch } = parts;
  const target = head.toward(batch.returns);
  // Of two critics that are the same one.
  const metrics = { ...target.metrics, ...head.monitor?.([outputs, outputs]) };
  const error = mean(target.compare(outputs).loss);
  if (critic !== "mse") return { loss: error, metrics };
  if (valueClip <= 0) return { loss: mul(error, 0.5), metrics };
  const value = head.value(outputs);
  const near = add(batch.values, clip(sub(value, batch.values), -valueClip, valueClip));
  const loss = mul(
    mean(maximum(square(sub(value, batch.returns)), square(sub(near, batch.returns)))),
    0.5,
  );
  return { loss, metrics };
}

/** (sum w)^2 / (n sum w^2): the share of the samples that an importance-weighted mean amounts to. */
function effectiveShare(weights: Tensor): Tensor {
  const count = weights.shape[0] ?? 1;
  const total = square(sum(weights));
  return mul(mul(total, reciprocal(sum(square(weights)))), 1 / count);
}
