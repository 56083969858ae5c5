import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { modelEdit } from "../mujoco/model-edits.ts";
import {
  dataRow,
  gather,
  modelRow,
  qposIndex,
  qvelIndex,
  type Row,
  sensorRows,
} from "../mujoco/rows.ts";
import { MANIPULATOR_MJCF } from "./models/manipulator.ts";
import { drawUntilFree, jointRandomiser } from "./random-start.ts";
import { distance, XX, ZX } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

const ARM = [
  "arm_root",
  "arm_shoulder",
  "arm_elbow",
  "arm_wrist",
  "finger",
  "fingertip",
  "thumb",
  "thumbtip",
] as const;
const BALL = ["ball_x", "ball_z", "ball_y"] as const;
const TOUCH = ["palm", "finger", "thumb", "fingertip", "thumbtip"] as const;
/** How often an episode starts with the ball in the hand, and how often at its target. */
const [IN_HAND, AT_TARGET] = [0.1, 0.1];

const near = tolerance({ bounds: [0, 0.01], margin: 0.02 });

/** A body's [x, z] and the [w, y] of its quaternion: all there is to a pose in the plane. */
function planarPose(simulation: Simulation, body: string): () => number[] {
  const position = dataRow(simulation, "xpos", body);
  const rotation = dataRow(simulation, "xquat", body);
  return () => [position()[0]!, position()[2]!, rotation()[0]!, rotation()[2]!];
}

function observe(simulation: Simulation): SuiteRules["observation"] {
  const angles = ARM.map((joint) => qposIndex(simulation, joint));
  const velocities = ARM.map((joint) => qvelIndex(simulation, joint));
  const ballVelocities = BALL.map((joint) => qvelIndex(simulation, joint));
  const touch = sensorRows(
    simulation,
    TOUCH.map((name) => `${name}_touch`),
  );
  return {
    arm_pos: () =>
      angles.flatMap((index) => {
        const angle = simulation.qpos[index]!;
        return [Math.sin(angle), Math.cos(angle)];
      }),
    arm_vel: () => gather(simulation.qvel, velocities),
    touch: () => touch().map(Math.log1p),
    hand_pos: planarPose(simulation, "hand"),
    object_pos: planarPose(simulation, "ball"),
    object_vel: () => gather(simulation.qvel, ballVelocities),
    target_pos: planarPose(simulation, "target_ball"),
  };
}

/** In the plane. */
interface Pose {
  readonly x: number;
  readonly z: number;
  readonly angle: number;
}

/** Moves the target, which is part of the model, to a random pose. */
function drawTarget(position: Row, rotation: Row, random: RandomStream): Pose {
  const x = random.uniformBetween(-0.4, 0.4);
  const z = random.uniformBetween(0.1, 0.4);
  const angle = random.uniformBetween(-Math.PI, Math.PI);
  position()[0] = x;
  position()[2] = z;
  rotation()[0] = Math.cos(angle / 2);
  rotation()[2] = Math.sin(angle / 2);
  return { x, z, angle };
}

function startDrawer(simulation: Simulation): (random: RandomStream) => void {
  const randomiseJoints = jointRandomiser(simulation);
  const [finger, thumb] = [qposIndex(simulation, "finger"), qposIndex(simulation, "thumb")];
  const targetPosition = modelRow(simulation, "body_pos", "target_ball");
  const targetRotation = modelRow(simulation, "body_quat", "target_ball");
  const graspPosition = dataRow(simulation, "site_xpos", "grasp");
  const graspRotation = dataRow(simulation, "site_xmat", "grasp");
  const ball = qposIndex(simulation, BALL[0]);
  const ballVelocity = qvelIndex(simulation, BALL[0]);

  const handPose = (): Pose => {
    // The hand stands where the joints just drawn put it.
    simulation.synchronise();
    const [position, rotation] = [graspPosition(), graspRotation()];
    const angle = Math.PI - Math.atan2(rotation[ZX]!, rotation[XX]!);
    return { x: position[0]!, z: position[2]!, angle };
  };
  const freePose = (random: RandomStream): Pose => {
    const x = random.uniformBetween(-0.5, 0.5);
    const z = random.uniformBetween(0, 0.7);
    const angle = random.uniformBetween(0, 2 * Math.PI);
    simulation.qvel[ballVelocity] = random.uniformBetween(-5, 5);
    return { x, z, angle };
  };
  return (random) => {
    randomiseJoints(random);
    simulation.qpos[finger] = simulation.qpos[thumb]!;
    simulation.qvel[ballVelocity] = 0;
    const target = drawTarget(targetPosition, targetRotation, random);
    const chance = random.uniform();
    const free = chance >= IN_HAND + AT_TARGET;
    const held = chance < IN_HAND;
    const { x, z, angle } = free ? freePose(random) : held ? handPose() : target;
    simulation.qpos.set([x, z, angle], ball);
  };
}

/** A planar arm with finger and thumb brings a ball to a target. */
function bindBringBall(simulation: Simulation): SuiteRules {
  const ball = dataRow(simulation, "site_xpos", "ball");
  const target = dataRow(simulation, "site_xpos", "target_ball");
  const draw = startDrawer(simulation);
  return {
    edits: [
      modelEdit(simulation, "body_pos", "target_ball"),
      modelEdit(simulation, "body_quat", "target_ball"),
    ],
    observation: observe(simulation),
    drawStart: (random) => drawUntilFree(simulation, () => draw(random)),
    reward: () => near(distance(ball(), target())),
  };
}

export const manipulatorTasks: readonly SuiteTask[] = [
  suiteTask({
    domain: "manipulator",
    task: "bring_ball",
    mjcf: MANIPULATOR_MJCF,
    frameSkip: 10,
    dt: 0.01,
    rewardTerms: "1 while the ball is within 0.01 m of its target, 0.1 at 0.03 m",
    bind: bindBringBall,
  }),
];
