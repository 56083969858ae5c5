import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, modelRow } from "../mujoco/rows.ts";
import { ACROBOT_MJCF } from "./models/acrobot.ts";
import { distance, XZ, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** Two links with a motor at the elbow alone swing their tip up to the target. */
function bindAcrobot(simulation: Simulation, margin: number): SuiteRules {
  const upper = dataRow(simulation, "xmat", "upper_arm");
  const lower = dataRow(simulation, "xmat", "lower_arm");
  const target = dataRow(simulation, "site_xpos", "target");
  const tip = dataRow(simulation, "site_xpos", "tip");
  const radius = modelRow(simulation, "site_size", "target")()[0]!;
  const close = tolerance({ bounds: [0, radius], margin });
  return {
    observation: {
      orientations: () => [upper()[XZ]!, lower()[XZ]!, upper()[ZZ]!, lower()[ZZ]!],
      velocity: () => simulation.qvel,
    },
    drawStart: (random) => {
      const { qpos } = simulation;
      for (let i = 0; i < 2; i++) qpos[i] = random.uniformBetween(-Math.PI, Math.PI);
    },
    reward: () => close(distance(target(), tip())),
  };
}

function acrobot(task: string, margin: number, rewardTerms: string): SuiteTask {
  return suiteTask({
    domain: "acrobot",
    task,
    mjcf: ACROBOT_MJCF,
    frameSkip: 1,
    dt: 0.01,
    rewardTerms,
    bind: (simulation) => bindAcrobot(simulation, margin),
  });
}

export const acrobotTasks: readonly SuiteTask[] = [
  acrobot("swingup", 1, "1 while the tip is within 0.2 m of the target, 0.1 another metre away"),
  acrobot("swingup_sparse", 0, "1 while the tip is within 0.2 m of the target, else 0"),
];
