import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, modelRow, qposIndex } from "../mujoco/rows.ts";
import { BALL_IN_CUP_MJCF } from "./models/ball-in-cup.ts";
import { drawUntilFree } from "./random-start.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";

const [X, Z] = [0, 2];

/** A cup swings the ball that hangs on it into itself. */
function bindBallInCup(simulation: Simulation): SuiteRules {
  const target = dataRow(simulation, "site_xpos", "target");
  const ball = dataRow(simulation, "xpos", "ball");
  const [ballX, ballZ] = [qposIndex(simulation, "ball_x"), qposIndex(simulation, "ball_z")];
  const radius = modelRow(simulation, "geom_size", "ball")()[0]!;
  const room = Array.from(modelRow(simulation, "site_size", "target")(), (half) => half - radius);
  const isInside = (axis: number) => Math.abs(target()[axis]! - ball()[axis]!) < room[axis]!;
  return {
    observation: { position: () => simulation.qpos, velocity: () => simulation.qvel },
    drawStart: (random) =>
      drawUntilFree(simulation, () => {
        simulation.qpos[ballX] = random.uniformBetween(-0.2, 0.2);
        simulation.qpos[ballZ] = random.uniformBetween(0.2, 0.5);
      }),
    reward: () => Number(isInside(X) && isInside(Z)),
  };
}

export const ballInCupTasks: readonly SuiteTask[] = [
  suiteTask({
    domain: "ball_in_cup",
    task: "catch",
    mjcf: BALL_IN_CUP_MJCF,
    frameSkip: 10,
    dt: 0.02,
    rewardTerms: "1 while the whole ball is inside the cup, else 0",
    bind: bindBallInCup,
  }),
];
