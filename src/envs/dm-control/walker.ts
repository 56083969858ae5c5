import type { Simulation } from "../mujoco/engine.ts";
import { dataRow, sensorRow } from "../mujoco/rows.ts";
import { WALKER_MJCF } from "./models/walker.ts";
import { jointRandomiser } from "./random-start.ts";
import { XX, XZ, ZZ } from "./rotation.ts";
import { type SuiteRules, type SuiteTask, suiteTask } from "./suite-task.ts";
import { tolerance } from "./tolerance.ts";

const high = tolerance({ bounds: [1.2, Number.POSITIVE_INFINITY], margin: 0.6 });

/** A planar pair of legs stands up, and walks or runs. @param speed In m/s; 0: standing is enough. */
function bindWalker(simulation: Simulation, speed: number): SuiteRules {
  // Every body but the world, as rotation matrices one after the other.
  const bodies = Array.from({ length: simulation.model.nbody - 1 }, (_, i) => 9 * (i + 1));
  const position = dataRow(simulation, "xpos", "torso");
  const rotation = dataRow(simulation, "xmat", "torso");
  const velocity = sensorRow(simulation, "torso_subtreelinvel");
  const fast = tolerance({
    bounds: [speed, Number.POSITIVE_INFINITY],
    margin: speed / 2,
    valueAtMargin: 0.5,
    shape: "linear",
  });
  return {
    observation: {
      orientations: () => {
        const rotations: Float64Array = simulation.data.xmat;
        return bodies.flatMap((start) => [rotations[start + XX]!, rotations[start + XZ]!]);
      },
      height: () => [position()[2]!],
      velocity: () => simulation.qvel,
    },
    drawStart: jointRandomiser(simulation),
    reward: (_ctrl, info) => {
      const standing = high(position()[2]!);
      const upright = (1 + rotation()[ZZ]!) / 2;
      const stand = (3 * standing + upright) / 4;
      info["standing"] = standing;
      info["upright"] = upright;
      if (speed === 0) return stand;
      const move = fast(velocity()[0]!);
      info["move"] = move;
      return (stand * (5 * move + 1)) / 6;
    },
  };
}

function walker(task: string, speed: number): SuiteTask {
  const stand = "(3 standing + upright) / 4";
  return suiteTask({
    domain: "walker",
    task,
    mjcf: WALKER_MJCF,
    frameSkip: 10,
    dt: 0.025,
    rewardTerms:
      speed === 0
        ? `${stand}; standing is 1 from a height of 1.2 m`
        : `${stand} * (5 move + 1) / 6; move is 1 from ${speed} m/s`,
    bind: (simulation) => bindWalker(simulation, speed),
  });
}

export const walkerTasks: readonly SuiteTask[] = [
  walker("stand", 0),
  walker("walk", 1),
  walker("run", 8),
];
