import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, sensorRow, sensorRows } from "../mujoco/rows.ts";
import { quadrupedMjcf } from "./models/quadruped.ts";
import { drawUntilFree } from "./random-start.ts";
import { randomQuaternion, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** In the order of the sensors. */
const TOES = ["front_left", "front_right", "back_right", "back_left"] as const;
/** Where the hinges begin in qpos and in qvel: after the root. */
const [FIRST_HINGE, FIRST_HINGE_VELOCITY] = [7, 6];

const erect = tolerance({
  bounds: [1, Number.POSITIVE_INFINITY],
  margin: 2,
  shape: "linear",
  valueAtMargin: 0,
});

/** A four-legged robot gets on its feet and goes ahead at `speed` m/s. */
function bindQuadruped(simulation: Simulation, speed: number): SuiteRules {
  const rotation = dataRow(simulation, "xmat", "torso");
  const velocity = sensorRow(simulation, "velocimeter");
  const loads = sensorRows(
    simulation,
    ["force_toe", "torque_toe"].flatMap((kind) => TOES.map((toe) => `${kind}_${toe}`)),
  );
  const fast = tolerance({
    bounds: [speed, Number.POSITIVE_INFINITY],
    margin: speed,
    shape: "linear",
    valueAtMargin: 0.5,
  });
  return {
    observation: {
      egocentric_state: () => [
        ...simulation.qpos.subarray(FIRST_HINGE),
        ...simulation.qvel.subarray(FIRST_HINGE_VELOCITY),
        ...simulation.act,
      ],
      torso_velocity: velocity,
      torso_upright: () => [rotation()[ZZ]!],
      imu: sensorRows(simulation, ["imu_accel", "imu_gyro"]),
      force_torque: () => loads().map(Math.asinh),
    },
    drawStart: (random) => {
      const orientation = randomQuaternion(random);
      // As low as possible without touching the ground.
      let height = 0;
      drawUntilFree(simulation, () => {
        simulation.reset();
        simulation.qpos.set([0, 0, height, ...orientation]);
        height += 0.01;
      });
    },
    reward: (_ctrl, info) => {
      info["upright"] = erect(rotation()[ZZ]!);
      info["move"] = fast(velocity()[0]!);
      return info["upright"] * info["move"];
    },
  };
}

function quadruped(task: string, speed: number, floorSize: number): SuiteTask {
  return suiteTask({
    domain: "quadruped",
    task,
    mjcf: quadrupedMjcf(floorSize),
    frameSkip: 4,
    dt: 0.02,
    rewardTerms: `upright * move; move is 1 from ${speed} m/s straight ahead, 0.5 at rest`,
    bind: (simulation) => bindQuadruped(simulation, speed),
  });
}

export const quadrupedTasks: readonly SuiteTask[] = [
  quadruped("walk", 0.5, 10),
  quadruped("run", 5, 100),
];
