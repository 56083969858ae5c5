import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, sensorRow } from "../mujoco/rows.ts";
import { smallControl } from "./control-cost.ts";
import { HUMANOID_MJCF } from "./models/humanoid.ts";
import { drawUntilFree, jointRandomiser } from "./random-start.ts";
import { inFrame, ZX, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

const EXTREMITIES = ["left_hand", "left_foot", "right_hand", "right_foot"] as const;
/** Where the hinges begin in qpos: after the root's position and quaternion. */
const FIRST_HINGE = 7;

const high = tolerance({ bounds: [1.4, Number.POSITIVE_INFINITY], margin: 0.35 });
const erect = tolerance({
  bounds: [0.9, Number.POSITIVE_INFINITY],
  margin: 1.9,
  shape: "linear",
  valueAtMargin: 0,
});
const still = tolerance({ margin: 2 });

interface Variant {
  /** In m/s; 0: standing still is what counts. */
  readonly speed: number;
  /** Observes qpos and qvel alone. */
  readonly pureState?: boolean;
}

/** What the tasks observe of the body beside the bare state, expressed in the torso's frame. */
function egocentric(simulation: Simulation): SuiteRules["observation"] {
  const head = dataRow(simulation, "xpos", "head");
  const torso = dataRow(simulation, "xpos", "torso");
  const rotation = dataRow(simulation, "xmat", "torso");
  const extremities = EXTREMITIES.map((name) => dataRow(simulation, "xpos", name));
  return {
    joint_angles: () => simulation.qpos.subarray(FIRST_HINGE),
    head_height: () => [head()[2]!],
    extremities: () => {
      const [origin, frame] = [torso(), rotation()];
      return extremities.flatMap((position) => [
        ...inFrame(
          frame,
          position().map((x, i) => x - origin[i]!),
        ),
      ]);
    },
    torso_vertical: () => rotation().subarray(ZX, ZZ + 1),
    com_velocity: sensorRow(simulation, "torso_subtreelinvel"),
    velocity: () => simulation.qvel,
  };
}

function pureState(simulation: Simulation): SuiteRules["observation"] {
  return { position: () => simulation.qpos, velocity: () => simulation.qvel };
}

/** 1 where the whole body moves as wanted: not at all, or at `speed` m/s in any direction. */
function motionReward(speed: number): (velocity: Float64Array) => number {
  if (speed === 0) return (velocity) => (still(velocity[0]!) + still(velocity[1]!)) / 2;
  const fast = tolerance({
    bounds: [speed, Number.POSITIVE_INFINITY],
    margin: speed,
    shape: "linear",
    valueAtMargin: 0,
  });
  return (velocity) => (5 * fast(Math.hypot(velocity[0]!, velocity[1]!)) + 1) / 6;
}

/** A humanoid with 21 torque motors stands up, and walks or runs. */
function bindHumanoid(simulation: Simulation, variant: Variant): SuiteRules {
  const head = dataRow(simulation, "xpos", "head");
  const rotation = dataRow(simulation, "xmat", "torso");
  const velocity = sensorRow(simulation, "torso_subtreelinvel");
  const motion = motionReward(variant.speed);
  const randomise = jointRandomiser(simulation);
  return {
    observation: variant.pureState ? pureState(simulation) : egocentric(simulation),
    drawStart: (random) => drawUntilFree(simulation, () => randomise(random)),
    reward: (ctrl, info) => {
      info["standing"] = high(head()[2]!);
      info["upright"] = erect(rotation()[ZZ]!);
      info["small_control"] = smallControl(ctrl);
      info["motion"] = motion(velocity());
      return info["small_control"] * info["standing"] * info["upright"] * info["motion"];
    },
  };
}

function humanoid(task: string, variant: Variant): SuiteTask {
  const { speed } = variant;
  const motion =
    speed === 0 ? "1 while it keeps still" : `(5 move + 1) / 6, move 1 from ${speed} m/s`;
  return suiteTask({
    domain: "humanoid",
    task,
    mjcf: HUMANOID_MJCF,
    frameSkip: 5,
    dt: 0.025,
    rewardTerms: `small_control * standing * upright * motion; motion is ${motion}`,
    bind: (simulation) => bindHumanoid(simulation, variant),
  });
}

export const humanoidTasks: readonly SuiteTask[] = [
  humanoid("stand", { speed: 0 }),
  humanoid("walk", { speed: 1 }),
  humanoid("run", { speed: 10 }),
  humanoid("run_pure_state", { speed: 10, pureState: true }),
];
