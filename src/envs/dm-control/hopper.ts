import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, sensorRow } from "../mujoco/rows.ts";
import type { InfoBuffer } from "../mujoco/task.ts";
import { smallControl } from "./control-cost.ts";
import { HOPPER_MJCF } from "./models/hopper.ts";
import { jointRandomiser } from "./random-start.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** The second factor of a reward, under `ctrl` at the given forward speed. */
type Goal = (speed: number, ctrl: Float64Array, info: InfoBuffer) => number;

const standing = tolerance({ bounds: [0.6, 2] });
const fast = tolerance({
  bounds: [2, Number.POSITIVE_INFINITY],
  margin: 1,
  shape: "linear",
  valueAtMargin: 0.5,
});

const stand: Goal = (_, ctrl, info) => {
  info["small_control"] = smallControl(ctrl);
  return info["small_control"];
};

const hop: Goal = (speed, _, info) => {
  info["hopping"] = fast(speed);
  return info["hopping"];
};

/** A planar one-legged body stands up, or hops forward. */
function bindHopper(simulation: Simulation, goal: Goal): SuiteRules {
  const torso = dataRow(simulation, "xipos", "torso");
  const foot = dataRow(simulation, "xipos", "foot");
  const velocity = sensorRow(simulation, "torso_subtreelinvel");
  const toe = sensorRow(simulation, "touch_toe");
  const heel = sensorRow(simulation, "touch_heel");
  return {
    observation: {
      position: () => simulation.qpos.subarray(1),
      velocity: () => simulation.qvel,
      touch: () => [Math.log1p(toe()[0]!), Math.log1p(heel()[0]!)],
    },
    drawStart: jointRandomiser(simulation),
    reward: (ctrl, info) => {
      info["standing"] = standing(torso()[2]! - foot()[2]!);
      return info["standing"] * goal(velocity()[0]!, ctrl, info);
    },
  };
}

function hopper(task: string, goal: Goal, rewardTerms: string): SuiteTask {
  return suiteTask({
    domain: "hopper",
    task,
    mjcf: HOPPER_MJCF,
    frameSkip: 4,
    dt: 0.02,
    rewardTerms,
    bind: (simulation) => bindHopper(simulation, goal),
  });
}

export const hopperTasks: readonly SuiteTask[] = [
  hopper("stand", stand, "standing (torso 0.6 m above the foot, 0 or 1) * small_control"),
  hopper("hop", hop, "standing (torso 0.6 m above the foot, 0 or 1) * hopping (2 m/s forward)"),
];
