import type { Simulation } from "../mujoco/engine.ts";
import { modelEdit, scalarEdit } from "../mujoco/model-edits.ts";
import { dataRow, gather, modelRow, sensorRows } from "../mujoco/rows.ts";
import { swimmerMjcf } from "./models/swimmer.ts";
import { jointRandomiser } from "./random-start.ts";
import { distance, inFrame } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

/** Where the joints between links begin in qpos: after x, y and heading of the head. */
const FIRST_JOINT = 3;

/** Velocity along x and y and turning around z of each link, in its own frame, head first. */
function linkVelocities(simulation: Simulation): () => Float64Array {
  const links = simulation.model.nbody - 1;
  const names = Array.from({ length: links - 1 }, (_, i) => [`velocimeter_${i}`, `gyro_${i}`]);
  const motion = sensorRows(simulation, ["head_vel", "head_gyro", ...names.flat()]);
  // Of each link's three velocities and three turning rates.
  const planar = Array.from({ length: links }, (_, i) => [6 * i, 6 * i + 1, 6 * i + 5]).flat();
  return () => gather(motion(), planar);
}

/** A chain of links swims until its nose is at a target. */
function bindSwimmer(simulation: Simulation): SuiteRules {
  const nose = dataRow(simulation, "geom_xpos", "nose");
  const target = dataRow(simulation, "geom_xpos", "target");
  const frame = dataRow(simulation, "xmat", "head");
  const place = modelRow(simulation, "geom_pos", "target");
  const radius = modelRow(simulation, "geom_size", "target");
  const randomise = jointRandomiser(simulation);
  return {
    edits: [
      modelEdit(simulation, "geom_pos", "target"),
      scalarEdit(simulation, "geom_size", "target"),
    ],
    observation: {
      joints: () => simulation.qpos.subarray(FIRST_JOINT),
      to_target: () => {
        const [from, to] = [nose(), target()];
        const seen = inFrame(
          frame(),
          to.map((x, i) => x - from[i]!),
        );
        return seen.subarray(0, 2);
      },
      body_velocities: linkVelocities(simulation),
    },
    drawStart: (random) => {
      randomise(random);
      // Now and then the target is near, so that it is met at all.
      const box = random.uniform() < 0.2 ? 0.3 : 2;
      place()[0] = random.uniformBetween(-box, box);
      place()[1] = random.uniformBetween(-box, box);
    },
    reward: () => {
      const size = radius()[0]!;
      const near = tolerance({ bounds: [0, size], margin: 5 * size, shape: "long_tail" });
      return near(distance(nose(), target(), 2));
    },
  };
}

function swimmer(links: number): SuiteTask {
  return suiteTask({
    domain: "swimmer",
    task: `swimmer${links}`,
    mjcf: swimmerMjcf(links),
    frameSkip: 15,
    dt: 0.03,
    rewardTerms: "1 while the nose is in the target, 0.1 at 0.5 m from it",
    bind: bindSwimmer,
  });
}

export const swimmerTasks: readonly SuiteTask[] = [swimmer(6), swimmer(15)];
