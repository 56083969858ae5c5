import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, indexOf, type Row, sensorRow, sensorRows } from "../mujoco/rows.ts";
import { dogMjcf } from "./models/dog.ts";
import { inFrame, ZX, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** Where the hinges begin in qpos and in qvel: after the root. */
const [FIRST_HINGE, FIRST_HINGE_VELOCITY] = [7, 6];
const UPRIGHT_PARTS = ["skull", "torso", "pelvis"] as const;
const HEAD_SENSORS = ["accelerometer", "velocimeter", "gyro"] as const;
const FEET = ["foot_L", "foot_R", "hand_L", "hand_R"] as const;
const TOUCH = ["palm_L", "palm_R", "sole_L", "sole_R"] as const;
/** The share of its height in the reset pose at which a part is high enough. */
const ENOUGH_HEIGHT = 0.9;
/** Parts may lean by 30 degrees. */
const LEAN = Math.cos(Math.PI / 6);

const UNBOUNDED = Number.POSITIVE_INFINITY;
const erect = tolerance({
  bounds: [LEAN, UNBOUNDED],
  margin: LEAN + 1,
  shape: "linear",
  valueAtMargin: 0,
});

/** The live rows that observation and reward are made of. */
interface Dog {
  readonly heights: readonly Row[];
  readonly rotations: readonly Row[];
  readonly touch: Row;
  /** Velocity of the centre of mass as the torso sees it: forward, left, up. */
  readonly velocity: () => Float64Array;
}

function dogOf(simulation: Simulation): Dog {
  const frame = dataRow(simulation, "xmat", "torso");
  const velocity = sensorRow(simulation, "torso_linvel");
  return {
    heights: ["torso", "pelvis"].map((body) => dataRow(simulation, "xpos", body)),
    rotations: UPRIGHT_PARTS.map((body) => dataRow(simulation, "xmat", body)),
    touch: sensorRows(simulation, TOUCH),
    velocity: () => inFrame(frame(), velocity()),
  };
}

function observe(simulation: Simulation, dog: Dog): SuiteRules["observation"] {
  return {
    joint_angles: () => simulation.qpos.subarray(FIRST_HINGE),
    joint_velocities: () => simulation.qvel.subarray(FIRST_HINGE_VELOCITY),
    torso_pelvis_height: () => dog.heights.map((position) => position()[2]!),
    z_projection: () => dog.rotations.flatMap((rotation) => [...rotation().subarray(ZX, ZZ + 1)]),
    torso_com_velocity: dog.velocity,
    inertial_sensors: sensorRows(simulation, HEAD_SENSORS),
    foot_forces: sensorRows(simulation, FEET),
    touch_sensors: dog.touch,
    actuator_state: () => simulation.act,
  };
}

/** The product of how high and how upright the parts are and how much weight is on the paws. */
function standReward(simulation: Simulation, dog: Dog): () => number {
  simulation.reset();
  simulation.forwardWithoutActuation();
  const high = dog.heights.map((position) => {
    const height = ENOUGH_HEIGHT * position()[2]!;
    return tolerance({ bounds: [height, UNBOUNDED], margin: height });
  });
  const mass = simulation.model.body_subtreemass[indexOf(simulation, "body", "torso")];
  const weight = mass * -simulation.model.opt.gravity[2];
  const loaded = tolerance({
    bounds: [weight, UNBOUNDED],
    margin: weight,
    shape: "linear",
    valueAtMargin: 0.9,
  });
  return () => {
    let reward = 1;
    for (const [i, position] of dog.heights.entries()) reward *= high[i]!(position()[2]!);
    for (const rotation of dog.rotations) reward *= erect(rotation()[ZZ]!);
    let load = 0;
    for (const force of dog.touch()) load += force;
    return reward * loaded(load);
  };
}

/** At rest in the reset pose but for the root: any heading, a random push and spin. */
function drawStart(simulation: Simulation, random: RandomStream): void {
  const { qpos, qvel, act, model } = simulation;
  const heading = random.uniformBetween(0, 2 * Math.PI);
  qpos.set([Math.cos(heading / 2), 0, 0, Math.sin(heading / 2)], 3);
  qvel.set([2 * random.normal(), 2 * random.normal(), 0, 0, 0, 2 * random.normal()]);
  const range: Float64Array = model.actuator_ctrlrange;
  for (let i = 0; i < act.length; i++) {
    act[i] = random.uniformBetween(range[2 * i]!, range[2 * i + 1]!);
  }
}

/** A dog stands on its paws, and goes forward. @param speed In m/s; 0: standing is enough. */
function bindDog(simulation: Simulation, speed: number): SuiteRules {
  const dog = dogOf(simulation);
  const stand = standReward(simulation, dog);
  const fast = tolerance({
    bounds: [speed, 2 * speed],
    margin: Math.max(1, speed),
    shape: "linear",
    valueAtMargin: 0,
  });
  return {
    observation: observe(simulation, dog),
    drawStart: (random) => drawStart(simulation, random),
    reward: (_ctrl, info) => {
      info["stand"] = stand();
      if (speed === 0) return info["stand"];
      info["move"] = fast(dog.velocity()[0]!);
      return (info["stand"] * (4 * info["move"] + 1)) / 5;
    },
  };
}

function dogTask(task: string, speed: number): SuiteTask {
  const stand = "stand is 1 while torso and pelvis are high, all is upright and the paws carry it";
  return suiteTask({
    domain: "dog",
    task,
    // The faster, the longer the way in 15 s.
    mjcf: dogMjcf(speed === 0 ? 15 : 15 * speed),
    frameSkip: 3,
    dt: 0.015,
    rewardTerms:
      speed === 0
        ? stand
        : `stand * (4 move + 1) / 5; ${stand}, move from ${speed} to ${2 * speed} m/s`,
    bind: (simulation) => bindDog(simulation, speed),
  });
}

export const dogTasks: readonly SuiteTask[] = [
  dogTask("stand", 0),
  dogTask("walk", 1),
  dogTask("trot", 3),
  dogTask("run", 9),
];
