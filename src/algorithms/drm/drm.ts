import { add, clip, mul, split, type Tensor } from "../../compile/ops.ts";
import type { Algorithm, ParameterGroup, Policy } from "../algorithm.ts";
import { EXPLORATION, explorationStd } from "../exploration-noise.ts";
import { constant } from "../initialisers.ts";
import { type Network, network } from "../networks.ts";
import { orthogonalGroups } from "../orthogonal-groups.ts";
import {
  actorStage,
  type CriticAddition,
  criticStage,
  type SacInputs,
  type SacOptions,
  type SacParts,
  type SacSizes,
  sac,
  sacParts,
} from "../sac.ts";
import type { Temperature } from "../temperature.ts";
import { DRM_GROUP, type DrmOptions, drmConstant, guide, TARGET, VALUE_GROUP } from "./guidance.ts";

export const ENTROPY_BONUS = "entropyBonus";

/**
 * Dormant-ratio minimisation on top of soft actor-critic: the share of the policy's hidden units that are
 * dormant, beta, is measured by each update, and says how much of the critics' target exploits. What it
 * says about exploration and about fresh weights is done between updates.
 *
 * Source: Xu et al. 2024, arXiv 2310.19668, section 3; there on top of DrQ-v2.
 */
export function drm(
  options: SacOptions & { readonly drm: DrmOptions },
  sizes: SacSizes,
  parts: SacParts = sacParts(options, sizes),
): Algorithm {
  const own = options.drm;
  const valueNetwork = own.exploitation > 0 ? makeValueNetwork(options, sizes) : undefined;
  const plain = sac(options, sizes, parts);
  const valueGroup: ParameterGroup[] = valueNetwork
    ? [
        {
          name: VALUE_GROUP,
          parameters: valueNetwork.parameters,
          optimizer: { ...options.adam, learningRate: options.learningRates.critic },
          ...orthogonalGroups(options.orthogonalGradients).critic,
        },
      ]
    : [];
  const isEntropy = own.exploration === "entropy";
  const actorParts = isEntropy
    ? { ...parts, temperature: withEntropyBonus(parts.temperature) }
    : parts;
  return {
    ...plain,
    groups: [...plain.groups, ...valueGroup, constants(own)],
    stages: [criticStage(parts, exploiting(parts, own, valueNetwork)), actorStage(actorParts)],
    policy: own.exploration === "additive" ? exploring(plain.policy) : plain.policy,
  };
}

/** V: a critic's network without the action. */
function makeValueNetwork(options: SacOptions, { observationSize }: SacSizes): Network {
  const shape = { prefix: "", inputSize: observationSize, outputSize: 1 };
  return network(shape, { ...options, ...options.criticNetwork });
}

/** What is set between updates; no stage moves it. */
function constants({ target }: DrmOptions): ParameterGroup {
  return {
    name: DRM_GROUP,
    parameters: [
      { name: TARGET, shape: [], init: constant(target) },
      { name: ENTROPY_BONUS, shape: [], init: constant(0) },
    ],
  };
}

/** DrM's part of the critics' update. */
function exploiting(
  { policy }: SacParts,
  options: DrmOptions,
  valueNetwork: Network | undefined,
): CriticAddition {
  return {
    groups: valueNetwork ? [VALUE_GROUP] : [],
    begin: ({ parameters, batch }: SacInputs) => {
      const units = policy.units(parameters.actor, batch.observations);
      return guide({ parameters, units, ...batch }, options, valueNetwork);
    },
  };
}

/** The temperature keeps the entropy at its target and a bonus: log pi + bonus at the old target. */
function withEntropyBonus(temperature: Temperature): Temperature {
  const { loss } = temperature;
  if (!loss) return temperature;
  return {
    ...temperature,
    loss: (parameters, meanLogProbability) =>
      loss(parameters, add(meanLogProbability, drmConstant(parameters, ENTROPY_BONUS))),
  };
}

/** Actors add noise of their own to what the policy draws: clip(a + sigma noise, -1, 1). */
function exploring(policy: Policy): Policy {
  const { actionSize, noiseSize = actionSize } = policy;
  return {
    ...policy,
    settings: [{ name: EXPLORATION, shape: [] }],
    noiseSize: noiseSize + actionSize,
    sample: (parameters, observations, noise) => {
      const [own, added] = split(noise, [noiseSize, actionSize]) as [Tensor, Tensor];
      const actions = policy.sample(parameters, observations, own);
      return clip(add(actions, mul(explorationStd(parameters), added)), -1, 1);
    },
  };
}
