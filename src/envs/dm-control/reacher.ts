import type { Simulation } from "../mujoco/engine.ts";
import { modelEdit, scalarEdit } from "../mujoco/model-edits.ts";
import { dataRow, modelRow } from "../mujoco/rows.ts";
import { REACHER_MJCF } from "./models/reacher.ts";
import { jointRandomiser } from "./random-start.ts";
import { distance } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";

/** A planar arm of two links puts its finger on a target. */
function bindReacher(simulation: Simulation, targetRadius: number): SuiteRules {
  const place = modelEdit(simulation, "geom_pos", "target");
  const radius = scalarEdit(simulation, "geom_size", "target");
  const fingerRadius = modelRow(simulation, "geom_size", "finger")()[0]!;
  const target = dataRow(simulation, "geom_xpos", "target");
  const finger = dataRow(simulation, "geom_xpos", "finger");
  const drawJoints = jointRandomiser(simulation);
  return {
    edits: [place, radius],
    observation: {
      position: () => simulation.qpos,
      to_target: () => [target()[0]! - finger()[0]!, target()[1]! - finger()[1]!],
      velocity: () => simulation.qvel,
    },
    drawStart: (random) => {
      radius.row()[0] = targetRadius;
      drawJoints(random);
      const angle = random.uniformBetween(0, 2 * Math.PI);
      const away = random.uniformBetween(0.05, 0.2);
      place.row().set([away * Math.sin(angle), away * Math.cos(angle)]);
    },
    reward: () => Number(distance(target(), finger(), 2) <= radius.row()[0]! + fingerRadius),
  };
}

function reacher(task: string, targetRadius: number): SuiteTask {
  return suiteTask({
    domain: "reacher",
    task,
    mjcf: REACHER_MJCF,
    frameSkip: 1,
    dt: 0.02,
    rewardTerms: "1 while the finger touches the target, else 0",
    bind: (simulation) => bindReacher(simulation, targetRadius),
  });
}

export const reacherTasks: readonly SuiteTask[] = [reacher("easy", 0.05), reacher("hard", 0.015)];
