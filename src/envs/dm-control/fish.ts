import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { modelEdit, scalarEdit } from "../mujoco/model-edits.ts";
import { dataRow, gather, modelRow, qposIndex } from "../mujoco/rows.ts";
import { fishMjcf } from "./models/fish.ts";
import { inFrame, randomQuaternion, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

const JOINTS = [
  "tail1",
  "tail_twist",
  "tail2",
  "finright_roll",
  "finright_pitch",
  "finleft_roll",
  "finleft_pitch",
];

const upright = tolerance({ bounds: [1, 1], margin: 1 });

/** The part that both tasks share: a fish adrift in any pose. */
function bindFish(simulation: Simulation) {
  const torso = dataRow(simulation, "xmat", "torso");
  const joints = JOINTS.map((joint) => qposIndex(simulation, joint));
  const root = qposIndex(simulation, "root");
  const place = modelEdit(simulation, "geom_pos", "target");
  const radius = scalarEdit(simulation, "geom_size", "target");
  return {
    edits: [place, radius],
    place: place.row,
    radius: radius.row,
    /** Cosine of the torso's angle to the vertical. */
    upright: () => torso()[ZZ]!,
    joints: () => gather(simulation.qpos, joints),
    drawPose: (random: RandomStream) => {
      const { qpos } = simulation;
      qpos.set(randomQuaternion(random), root + 3);
      for (const joint of joints) qpos[joint] = random.uniformBetween(-0.2, 0.2);
    },
  };
}

/** Turns its back up. */
function bindUpright(simulation: Simulation): SuiteRules {
  const fish = bindFish(simulation);
  return {
    edits: fish.edits,
    observation: {
      joint_angles: fish.joints,
      upright: () => [fish.upright()],
      velocity: () => simulation.qvel,
    },
    drawStart: fish.drawPose,
    reward: () => upright(fish.upright()),
  };
}

/** Swims to a target. */
function bindSwim(simulation: Simulation): SuiteRules {
  const fish = bindFish(simulation);
  const mouth = dataRow(simulation, "geom_xpos", "mouth");
  const mouthFrame = dataRow(simulation, "geom_xmat", "mouth");
  const target = dataRow(simulation, "geom_xpos", "target");
  const mouthRadius = modelRow(simulation, "geom_size", "mouth")()[0]!;
  /** From the mouth to the target, as the mouth sees it. */
  const toTarget = (): Float64Array => {
    const from = mouth();
    return inFrame(
      mouthFrame(),
      target().map((x, axis) => x - from[axis]!),
    );
  };
  return {
    edits: fish.edits,
    observation: {
      joint_angles: fish.joints,
      upright: () => [fish.upright()],
      target: toTarget,
      velocity: () => simulation.qvel,
    },
    drawStart: (random) => {
      fish.drawPose(random);
      const place = fish.place();
      place[0] = random.uniformBetween(-0.4, 0.4);
      place[1] = random.uniformBetween(-0.4, 0.4);
      place[2] = random.uniformBetween(0.1, 0.3);
    },
    reward: (_, info) => {
      const reach = mouthRadius + fish.radius()[0]!;
      const close = tolerance({ bounds: [0, reach], margin: 2 * reach });
      info["in_target"] = close(Math.hypot(...toTarget()));
      info["is_upright"] = 0.5 * (fish.upright() + 1);
      return (7 * info["in_target"] + info["is_upright"]) / 8;
    },
  };
}

export const fishTasks: readonly SuiteTask[] = [
  suiteTask({
    domain: "fish",
    task: "upright",
    mjcf: fishMjcf("hidden"),
    frameSkip: 10,
    dt: 0.04,
    rewardTerms: "how upright the torso is",
    bind: bindUpright,
  }),
  suiteTask({
    domain: "fish",
    task: "swim",
    mjcf: fishMjcf("shown"),
    frameSkip: 10,
    dt: 0.04,
    rewardTerms: "(7 * in_target + is_upright) / 8, each in [0, 1]",
    bind: bindSwim,
  }),
];
