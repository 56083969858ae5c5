import {
  add,
  cast,
  greater,
  mean,
  mul,
  reshape,
  sigmoid,
  square,
  stopGradient,
  sub,
  type Tensor,
} from "../../compile/ops.ts";
import type { LossInputs, LossResult, Parameters } from "../algorithm.ts";
import type { Exploitation } from "../critics/critic-head.ts";
import type { Network } from "../networks.ts";
import type { PolicyUnits } from "../sac-policy.ts";
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
  /** How sharply beta decides on the noise, where the losses have noise of their own. */
  readonly explorationTemperature: number;
}

/** Defaults of the authors' code; their target for pixels. */
export const drmDefaults: DrmOptions = {
  threshold: 0.025,
  target: 0.2,
  exploitation: 0.6,
  exploitationTemperature: 0.02,
  expectile: 0.9,
  exploration: "additive",
  explorationTemperature: 0.1,
};

/** Names of the group of numbers that are set between updates, and of what is in it. */
export const DRM_GROUP = "drm";
export const TARGET = "target";

/** The group of V's parameters. */
export const VALUE_GROUP = "value";

/** What tells beta, measured anew by each update. */
export const RATIO_METRIC = "drm/dormant_ratio";

/** Layers that have a metric of their own. */
const MEASURED_LAYERS = 8;

/** @throws RangeError when there is no such constant. */
export function drmConstant(parameters: LossInputs["parameters"], name: string): Tensor {
  const found = parameters[DRM_GROUP]?.[name];
  if (found === undefined) throw new RangeError(`no constant ${name}`);
  return found;
}

/** What DrM is to look at: row i of each column belongs to transition i. */
export interface GuidanceInputs {
  readonly parameters: LossInputs["parameters"];
  /** What the policy's units say of the observations. */
  readonly units: PolicyUnits;
  /** What V sees of s and s', through which no gradient is to flow. */
  readonly observations: Tensor;
  readonly nextObservations: Tensor;
  readonly importanceWeights: Tensor;
}

export interface Guidance {
  /** beta, []. */
  readonly ratio: Tensor;
  readonly exploitation?: Exploitation;
  /** V's loss, if there is one, from what the critics say of the batch, [n], which it does not move. */
  conclude(values: Tensor): Partial<LossResult>;
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
 * Source: Xu et al. 2024, arXiv 2310.19668, section 3.3; Kostrikov et al. 2021, arXiv 2110.06169, equation 5.
 *
 * @param valueNetwork V; left out: nothing is mixed in.
 */
export function guide(
  inputs: GuidanceInputs,
  options: DrmOptions,
  valueNetwork: Network | undefined,
): Guidance {
  const { parameters, observations, nextObservations, importanceWeights } = inputs;
  const { ratio, metrics } = measured(inputs.units, options);
  if (!valueNetwork) return { ratio, conclude: () => ({ metrics }) };
  const value = (rows: Tensor): Tensor => {
    const outputs = valueNetwork.forward(valueParameters(parameters), rows);
    return reshape(outputs, outputs.shape.slice(0, -1));
  };
  const weight = exploitationShare(ratio, drmConstant(parameters, TARGET), options);
  return {
    ratio,
    exploitation: { value: stopGradient(value(nextObservations)), weight },
    conclude: (q) => {
      const gap = sub(value(observations), q);
      const loss = mean(mul(importanceWeights, expectileError(gap, options.expectile)));
      const own = { "drm/value_loss": loss, "drm/value_gap": mean(gap) };
      const { carry } = valueNetwork;
      return {
        loss,
        metrics: { ...metrics, ...own, "drm/exploitation": weight },
        ...(carry ? { carried: { [VALUE_GROUP]: carry(valueParameters(parameters)) } } : {}),
      };
    },
  };
}

/** beta and what there is to say about it. */
function measured({ hidden, heads }: PolicyUnits, { threshold }: DrmOptions) {
  const layers = hidden.map((layer) => dormancy(layer, threshold));
  const all = [...layers, ...heads.map((head) => dormancy(head, threshold))];
  const ratio = dormantRatio(layers);
  const metrics: Record<string, Tensor> = {
    [RATIO_METRIC]: ratio,
    "drm/dormant_ratio_all": dormantRatio(all),
  };
  for (const [i, { dormant, units }] of layers.slice(0, MEASURED_LAYERS).entries()) {
    metrics[`drm/dormant_ratio_layer_${i}`] = mul(dormant, 1 / units);
  }
  return { ratio, metrics };
}

function valueParameters(parameters: LossInputs["parameters"]): Parameters {
  const found = parameters[VALUE_GROUP];
  if (found === undefined) throw new RangeError(`no group ${VALUE_GROUP}`);
  return found;
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

/** |kappa - [gap > 0]| gap^2, whose minimum over predictions is the kappa-expectile. */
export function expectileError(gap: Tensor, expectile: number): Tensor {
  const isAbove = cast(greater(stopGradient(gap), 0), "float32");
  return mul(add(mul(isAbove, 1 - 2 * expectile), expectile), square(gap));
}
