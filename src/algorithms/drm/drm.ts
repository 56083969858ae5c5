import {
  add,
  cast,
  clip,
  greater,
  mean,
  mul,
  reshape,
  sigmoid,
  split,
  square,
  stopGradient,
  sub,
  type Tensor,
} from "../../compile/ops.ts";
import type { Algorithm, LossInputs, ParameterGroup, Policy } from "../algorithm.ts";
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
import { dormancy, dormantRatio } from "./dormancy.ts";

/** What of DrM is part of an update; what happens between updates is `DrmIntervention`'s. */
export interface DrmOptions {
  /** tau: a unit is dormant if it says no more than this share of what its layer's units say. */
  readonly threshold: number;
  /** Target of beta to start with. */
  readonly target: number;
  /** Most that the target takes from V; 0: no V. */
  readonly exploitation: number;
  /** How sharply beta decides on that. */
  readonly exploitationTemperature: number;
  /** kappa, above 0.5: how optimistic V is. */
  readonly expectile: number;
  /** additive: noise on the actions of actors. entropy: a higher target entropy. */
  readonly exploration: "off" | "additive" | "entropy";
}

/** Defaults of the authors' code; their target for pixels. */
export const drmDefaults: DrmOptions = {
  threshold: 0.025,
  target: 0.2,
  exploitation: 0.6,
  exploitationTemperature: 0.02,
  expectile: 0.9,
  exploration: "additive",
};

/** Names of the group of numbers that are set between updates, and of what is in it. */
export const DRM_GROUP = "drm";
export const TARGET = "target";
export const ENTROPY_BONUS = "entropyBonus";
/** The policy's setting: the standard deviation of what is added to its actions. */
export const EXPLORATION = "exploration";

/** Layers that have a metric of their own. */
const MEASURED_LAYERS = 8;

/** What tells beta, measured anew by each update. */
export const RATIO_METRIC = "drm/dormant_ratio";

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
          name: "value",
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

function constantOf(parameters: LossInputs["parameters"], name: string): Tensor {
  const found = parameters[DRM_GROUP]?.[name];
  if (found === undefined) throw new RangeError(`no constant ${name}`);
  return found;
}

/**
 * Measures beta on the batch's observations, and with it mixes V(s') into the target:
 *
 *     lambda = lambda_max / (1 + exp((beta - target) / T))
 *     L_V    = mean(w |kappa - [V(s) > Q(s, a)]| (V(s) - Q(s, a))^2),   Q held fixed
 *
 * V follows the upper kappa-expectile of Q over replayed actions. It is moved together with the critics: the
 * target has the V of before this update, where the authors' code moves V first.
 *
 * Source: arXiv 2310.19668, section 3.3; Kostrikov et al. 2021, arXiv 2110.06169, equation 5.
 */
function exploiting(
  { policy }: SacParts,
  options: DrmOptions,
  valueNetwork: Network | undefined,
): CriticAddition {
  return {
    groups: valueNetwork ? ["value"] : [],
    begin(inputs: SacInputs) {
      const { parameters, batch } = inputs;
      const { hidden, heads } = policy.units(parameters.actor, batch.observations);
      const layers = hidden.map((layer) => dormancy(layer, options.threshold));
      const all = [...layers, ...heads.map((head) => dormancy(head, options.threshold))];
      const ratio = dormantRatio(layers);
      const metrics: Record<string, Tensor> = {
        [RATIO_METRIC]: ratio,
        "drm/dormant_ratio_all": dormantRatio(all),
      };
      for (const [i, { dormant, units }] of layers.slice(0, MEASURED_LAYERS).entries()) {
        metrics[`drm/dormant_ratio_layer_${i}`] = mul(dormant, 1 / units);
      }
      if (!valueNetwork) return { conclude: () => ({ metrics }) };
      const value = (observations: Tensor): Tensor => {
        const outputs = valueNetwork.forward(valueParameters(inputs), observations);
        return reshape(outputs, outputs.shape.slice(0, -1));
      };
      const weight = exploitationShare(ratio, constantOf(parameters, TARGET), options);
      return {
        exploitation: { value: stopGradient(value(batch.nextObservations)), weight },
        conclude: (q) => {
          const gap = sub(value(batch.observations), q);
          const loss = mean(mul(batch.importanceWeights, expectileError(gap, options.expectile)));
          const own = { "drm/value_loss": loss, "drm/value_gap": mean(gap) };
          return {
            loss,
            metrics: { ...metrics, ...own, "drm/exploitation": weight },
            ...(valueNetwork.carry
              ? { carried: { value: valueNetwork.carry(valueParameters(inputs)) } }
              : {}),
          };
        },
      };
    },
  };
}

/** lambda_max / (1 + exp((beta - target) / T)), []: the share of the target that V takes. */
export function exploitationShare(
  ratio: Tensor,
  target: Tensor,
  options: Pick<DrmOptions, "exploitation" | "exploitationTemperature">,
): Tensor {
  const { exploitation, exploitationTemperature } = options;
  return mul(sigmoid(mul(sub(target, ratio), 1 / exploitationTemperature)), exploitation);
}

function valueParameters({ parameters }: LossInputs): Readonly<Record<string, Tensor>> {
  const found = parameters["value"];
  if (found === undefined) throw new RangeError("no group value");
  return found;
}

/** |kappa - [gap > 0]| gap^2, whose minimum over predictions is the kappa-expectile. */
export function expectileError(gap: Tensor, expectile: number): Tensor {
  const isAbove = cast(greater(stopGradient(gap), 0), "float32");
  return mul(add(mul(isAbove, 1 - 2 * expectile), expectile), square(gap));
}

/** The temperature keeps the entropy at its target and a bonus: log pi + bonus at the old target. */
function withEntropyBonus(temperature: Temperature): Temperature {
  const { loss } = temperature;
  if (!loss) return temperature;
  return {
    ...temperature,
    loss: (parameters, meanLogProbability) =>
      loss(parameters, add(meanLogProbability, constantOf(parameters, ENTROPY_BONUS))),
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
      const sigma = parameters[EXPLORATION];
      if (sigma === undefined) throw new RangeError(`no setting ${EXPLORATION}`);
      const actions = policy.sample(parameters, observations, own);
      return clip(add(actions, mul(sigma, added)), -1, 1);
    },
  };
}
