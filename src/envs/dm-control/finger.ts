import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { type ModelEdit, modelEdit, scalarEdit } from "../mujoco/model-edits.ts";
import { dataRow, liveRow, modelRow, qvelIndex, type Row, sensorRow } from "../mujoco/rows.ts";
import { fingerMjcf } from "./models/finger.ts";
import { drawUntilFree, jointRandomiser } from "./random-start.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";

const [X, Z] = [0, 2];
/** Damping of the spinner where it is to be kept spinning; the model's own is for turning it. */
const LIGHT_DAMPING = 0.03;
/** rad/s */
const SPIN_VELOCITY = -15;

const offset = (of: Row, from: Row): number[] => [of()[X]! - from()[X]!, of()[Z]! - from()[Z]!];

/** The part that all tasks share: a finger of two links that pushes a spinner. */
function bindFinger(simulation: Simulation) {
  const sensor = (name: string): Row => sensorRow(simulation, name);
  const spinner = sensor("spinner");
  const tip = sensor("tip");
  const target = sensor("target");
  const angles = [sensor("proximal"), sensor("distal")];
  const hinge = sensor("hinge_velocity");
  const velocities = [sensor("proximal_velocity"), sensor("distal_velocity"), hinge];
  const touches = [sensor("touchtop"), sensor("touchbottom")];
  const hingeDof = qvelIndex(simulation, "hinge");
  const damping = {
    name: "dof_damping_hinge",
    row: liveRow(() =>
      (simulation.model.dof_damping as Float64Array).subarray(hingeDof, hingeDof + 1),
    ),
  };
  const radius = scalarEdit(simulation, "site_size", "target");
  const place = modelEdit(simulation, "site_pos", "target");
  const edits: readonly ModelEdit[] = [damping, place, radius];
  const drawJoints = jointRandomiser(simulation);
  return {
    edits,
    damping: damping.row,
    place: place.row,
    radius: radius.row,
    hinge,
    observation: {
      position: () => [...angles.map((angle) => angle()[0]!), ...offset(tip, spinner)],
      velocity: () => velocities.map((velocity) => velocity()[0]!),
      touch: () => touches.map((touch) => Math.log1p(touch()[0]!)),
    },
    toTarget: () => offset(target, spinner),
    /** Metres from the spinner's tip to the target's edge; negative inside. */
    distance: () => Math.hypot(...offset(target, tip)) - radius.row()[0]!,
    drawPose: (random: RandomStream) => drawUntilFree(simulation, () => drawJoints(random)),
  };
}

function bindSpin(simulation: Simulation): SuiteRules {
  const finger = bindFinger(simulation);
  return {
    edits: finger.edits,
    observation: finger.observation,
    drawStart: (random) => {
      finger.damping()[0] = LIGHT_DAMPING;
      finger.drawPose(random);
    },
    reward: () => Number(finger.hinge()[0]! <= SPIN_VELOCITY),
  };
}

function bindTurn(simulation: Simulation, targetRadius: number): SuiteRules {
  const finger = bindFinger(simulation);
  const anchor = dataRow(simulation, "xanchor", "hinge");
  const [radius, half, rest] = modelRow(simulation, "geom_size", "cap1")();
  const reach = radius! + half! + rest!;
  return {
    edits: finger.edits,
    observation: {
      ...finger.observation,
      target_position: finger.toTarget,
      dist_to_target: () => [finger.distance()],
    },
    drawStart: (random) => {
      const angle = random.uniformBetween(-Math.PI, Math.PI);
      const place = finger.place();
      place[X] = anchor()[X]! + reach * Math.sin(angle);
      place[Z] = anchor()[Z]! + reach * Math.cos(angle);
      finger.radius()[0] = targetRadius;
      finger.drawPose(random);
    },
    reward: () => Number(finger.distance() <= 0),
  };
}

interface Variant {
  readonly target: "shown" | "hidden";
  readonly rewardTerms: string;
  bind(simulation: Simulation): SuiteRules;
}

function finger(task: string, { target, rewardTerms, bind }: Variant): SuiteTask {
  const mjcf = fingerMjcf(target);
  return suiteTask({ domain: "finger", task, mjcf, frameSkip: 2, dt: 0.02, rewardTerms, bind });
}

function turn(task: string, targetRadius: number): SuiteTask {
  return finger(task, {
    target: "shown",
    rewardTerms: "1 while the spinner's tip is inside the target, else 0",
    bind: (simulation) => bindTurn(simulation, targetRadius),
  });
}

export const fingerTasks: readonly SuiteTask[] = [
  finger("spin", {
    target: "hidden",
    rewardTerms: "1 while the spinner turns at 15 rad/s or more, else 0",
    bind: bindSpin,
  }),
  turn("turn_easy", 0.07),
  turn("turn_hard", 0.03),
];
