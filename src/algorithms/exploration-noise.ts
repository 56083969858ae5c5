import { add, clip, mul, stopGradient, sub, type Tensor } from "../compile/ops.ts";
import type { Algorithm, ParameterGroup, Parameters } from "./algorithm.ts";
import { constant } from "./initialisers.ts";

/** The policy's setting: the standard deviation of what is added to its actions. */
export const EXPLORATION = "exploration";

/** The group of what losses are told of the noise between updates, and what is in it. */
export const SCHEDULE_GROUP = "schedule";
export const LINEAR = "linear";

/** The standard deviation by the linear schedule, as a constant that is set between updates. */
export function scheduleGroup(initial: number): ParameterGroup {
  return {
    name: SCHEDULE_GROUP,
    parameters: [{ name: LINEAR, shape: [], init: constant(initial) }],
  };
}

/** Whether the policy draws nothing itself, and is told between updates how much noise to add. */
export function hasNoiseSchedule({ groups }: Pick<Algorithm, "groups">): boolean {
  return groups.some(({ name }) => name === SCHEDULE_GROUP);
}

/** @throws RangeError when actors were not sent it. */
export function explorationStd(parameters: Parameters): Tensor {
  const std = parameters[EXPLORATION];
  if (std === undefined) throw new RangeError(`no setting ${EXPLORATION}`);
  return std;
}

/** Actions stay this far inside of [-1, 1]. */
const EDGE = 1 - 1e-6;

/**
 * clamp(mean + clip(std * noise)), the clamp with the gradient of the identity.
 *
 * Source: facebookresearch/drqv2, utils.py, TruncatedNormal.
 *
 * @param noise Standard normals, shaped like the mean.
 * @param bound Of the added noise; left out: none.
 */
export function noisyActions(
  mean: Tensor,
  noise: { readonly normals: Tensor; readonly std: Tensor; readonly bound?: number },
): Tensor {
  const spread = mul(noise.normals, noise.std);
  const { bound } = noise;
  const actions = add(mean, bound === undefined ? spread : clip(spread, -bound, bound));
  return add(actions, stopGradient(sub(clip(actions, -EDGE, EDGE), actions)));
}
