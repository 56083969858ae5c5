import { RunError } from "../../errors.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { sensorRow } from "../mujoco/rows.ts";
import { CHEETAH_MJCF } from "./models/cheetah.ts";
import { limitedJointRandomiser } from "./random-start.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** Timesteps in which the cheetah comes to rest before an episode begins. */
const SETTLING = 200;

const fast = tolerance({
  bounds: [10, Number.POSITIVE_INFINITY],
  margin: 10,
  shape: "linear",
  valueAtMargin: 0,
});

/** A planar cheetah runs forward. */
function bindCheetah(simulation: Simulation): SuiteRules {
  const velocity = sensorRow(simulation, "torso_subtreelinvel");
  const drawJoints = limitedJointRandomiser(simulation);
  return {
    observation: {
      // Where it is on the track is its own secret.
      position: () => simulation.qpos.subarray(1),
      velocity: () => simulation.qvel,
    },
    drawStart: (random) => {
      drawJoints(random);
      // The suite does not compute forces anew before it: the first timestep's are the default pose's.
      const failure = simulation.stepSynchronised(SETTLING);
      if (failure !== null) throw new RunError("ENV_FAILED", `it did not settle: ${failure}`);
      simulation.time = 0;
    },
    reward: () => fast(velocity()[0]!),
  };
}

export const cheetahTasks: readonly SuiteTask[] = [
  suiteTask({
    domain: "cheetah",
    task: "run",
    mjcf: CHEETAH_MJCF,
    frameSkip: 1,
    dt: 0.01,
    rewardTerms: "forward speed in units of 10 m/s, at most 1",
    bind: bindCheetah,
  }),
];
