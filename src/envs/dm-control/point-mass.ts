import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import { type ModelEdit, modelEdit, scalarEdit } from "../mujoco/model-edits.ts";
import { dataRow, indexOf, liveRow } from "../mujoco/rows.ts";
import { smallControl } from "./control-cost.ts";
import { POINT_MASS_MJCF } from "./models/point-mass.ts";
import { jointRandomiser } from "./random-start.ts";
import { distance, normalised } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** |cosine| between the directions of the two tendons, at most. */
const MOST_PARALLEL = 0.9;

/** A point mass goes to the middle. */
function bindPointMass(simulation: Simulation, tendons: "straight" | "random"): SuiteRules {
  const place = modelEdit(simulation, "geom_pos", "target");
  const size = scalarEdit(simulation, "geom_size", "target");
  const pulls = tendons === "random" ? [pull(simulation, "t1"), pull(simulation, "t2")] : [];
  const target = dataRow(simulation, "geom_xpos", "target");
  const mass = dataRow(simulation, "geom_xpos", "pointmass");
  const drawJoints = jointRandomiser(simulation);
  return {
    edits: [place, size, ...pulls],
    observation: { position: () => simulation.qpos, velocity: () => simulation.qvel },
    drawStart: (random) => {
      drawJoints(random);
      if (pulls.length > 0) drawDirections(pulls, random);
    },
    reward: (ctrl, info) => {
      const radius = size.row()[0]!;
      const close = tolerance({ bounds: [0, radius], margin: radius });
      info["near_target"] = close(distance(target(), mass()));
      info["small_control"] = smallControl(ctrl);
      return info["near_target"] * info["small_control"];
    },
  };
}

/** How strongly a tendon pulls along x and y. */
function pull(simulation: Simulation, tendon: string): ModelEdit {
  const index = indexOf(simulation, "tendon", tendon);
  const start: number = simulation.model.tendon_adr[index];
  const end = start + simulation.model.tendon_num[index];
  return {
    name: `wrap_prm_${tendon}`,
    row: liveRow(() => (simulation.model.wrap_prm as Float64Array).subarray(start, end)),
  };
}

/** Makes the tendons pull along two unit vectors that are not close to parallel. */
function drawDirections(pulls: readonly ModelEdit[], random: RandomStream): void {
  const draw = () => normalised([random.normal(), random.normal()]);
  const first = draw();
  let second = draw();
  while (Math.abs(first[0]! * second[0]! + first[1]! * second[1]!) > MOST_PARALLEL) second = draw();
  for (const [i, direction] of [first, second].entries()) pulls[i]!.row().set(direction);
}

function pointMass(task: string, tendons: "straight" | "random"): SuiteTask {
  return suiteTask({
    domain: "point_mass",
    task,
    mjcf: POINT_MASS_MJCF,
    frameSkip: 1,
    dt: 0.02,
    rewardTerms: "near_target * small_control, each in [0, 1]",
    bind: (simulation) => bindPointMass(simulation, tendons),
  });
}

/** easy pulls along x and y; hard in two directions drawn anew for each episode. */
export const pointMassTasks: readonly SuiteTask[] = [
  pointMass("easy", "straight"),
  pointMass("hard", "random"),
];
