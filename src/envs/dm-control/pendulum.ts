import type { Simulation } from "../mujoco/engine.ts";
import { dataRow } from "../mujoco/rows.ts";
import { PENDULUM_MJCF } from "./models/pendulum.ts";
import { XZ, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

const standing = tolerance({ bounds: [Math.cos((8 * Math.PI) / 180), 1] });

/** A weak motor swings up a pendulum by building up momentum. */
function bindPendulum(simulation: Simulation): SuiteRules {
  const pole = dataRow(simulation, "xmat", "pole");
  return {
    observation: {
      orientation: () => [pole()[ZZ]!, pole()[XZ]!],
      velocity: () => simulation.qvel,
    },
    drawStart: (random) => {
      simulation.qpos[0] = random.uniformBetween(-Math.PI, Math.PI);
    },
    reward: () => standing(pole()[ZZ]!),
  };
}

export const pendulumTasks: readonly SuiteTask[] = [
  suiteTask({
    domain: "pendulum",
    task: "swingup",
    mjcf: PENDULUM_MJCF,
    frameSkip: 1,
    dt: 0.02,
    rewardTerms: "1 while the pendulum is within 8 degrees of upright, else 0",
    bind: bindPendulum,
  }),
];
