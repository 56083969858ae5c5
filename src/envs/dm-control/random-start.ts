import { RunError } from "../../errors.ts";
import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { normalised, randomQuaternion } from "./rotation.ts";

/** mjtJoint. */
const [FREE, BALL, SLIDE, HINGE] = [0, 1, 2, 3];

interface Joint {
  readonly type: number;
  /** Where its numbers begin in qpos. */
  readonly at: number;
  readonly limited: boolean;
  readonly range: readonly [number, number];
}

/**
 * Draws limited and rotational joints at random: limited hinges and slides uniformly in their range,
 * unlimited hinges in [-pi, pi), balls to any rotation within their limit. Unlimited slides and free
 * joints' positions stay. A free joint's quaternion has positive components only, as in the suite.
 *
 * Source: google-deepmind/dm_control, dm_control/suite/utils/randomizers.py.
 */
export function jointRandomiser(simulation: Simulation): (random: RandomStream) => void {
  const joints = jointsOf(simulation);
  return (random) => {
    const { qpos } = simulation;
    for (const joint of joints) qpos.set(drawJoint(joint, random), firstRotation(joint));
  };
}

/** A free joint's position comes first and is left alone. */
function firstRotation({ type, at }: Joint): number {
  return type === FREE ? at + 3 : at;
}

function drawJoint({ type, limited, range }: Joint, random: RandomStream): number[] {
  if (type === FREE) {
    return normalised([random.uniform(), random.uniform(), random.uniform(), random.uniform()]);
  }
  if (type === BALL) return limited ? tilted(range[1], random) : randomQuaternion(random);
  if (limited) return [random.uniformBetween(...range)];
  return type === HINGE ? [random.uniformBetween(-Math.PI, Math.PI)] : [];
}

/** A turn by up to `limit` around an axis of any direction. */
function tilted(limit: number, random: RandomStream): number[] {
  const axis = normalised([random.normal(), random.normal(), random.normal()]);
  const half = (random.uniform() * limit) / 2;
  return [Math.cos(half), ...axis.map((x) => x * Math.sin(half))];
}

/** The limited slides and hinges, drawn uniformly in their range; all else stays. */
export function limitedJointRandomiser(simulation: Simulation): (random: RandomStream) => void {
  const joints = jointsOf(simulation).filter(
    ({ type, limited }) => limited && (type === SLIDE || type === HINGE),
  );
  return (random) => {
    for (const { at, range } of joints) simulation.qpos[at] = random.uniformBetween(...range);
  };
}

function jointsOf({ model }: Simulation): Joint[] {
  return Array.from({ length: model.njnt }, (_, index) => {
    // The array jnt_limited cannot be read through the binding.
    const element = model.jnt(index);
    const limited = Boolean(element.limited);
    element.delete();
    return {
      type: model.jnt_type[index],
      at: model.jnt_qposadr[index],
      limited,
      range: [model.jnt_range[2 * index], model.jnt_range[2 * index + 1]],
    };
  });
}

/** Repeats `draw` until nothing touches. @throws RunError ENV_FAILED after 1000 draws in vain. */
export function drawUntilFree(simulation: Simulation, draw: () => void): void {
  for (let attempt = 0; attempt < 1000; attempt++) {
    draw();
    const failure = simulation.synchronise();
    if (failure !== null) throw new RunError("ENV_FAILED", failure);
    if (simulation.data.ncon === 0) return;
  }
  throw new RunError("ENV_FAILED", "all of 1000 draws had contacts");
}
