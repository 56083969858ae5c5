import { describe, expect, test } from "vitest";
import { dogMjcf } from "../../../src/envs/dm-control/models/dog.ts";
import { quadrupedMjcf } from "../../../src/envs/dm-control/models/quadruped.ts";
import { swimmerMjcf } from "../../../src/envs/dm-control/models/swimmer.ts";
import { Simulation } from "../../../src/envs/mujoco/engine.ts";
import { describeEnv, makeEnv } from "../../../src/envs/registry.ts";

/** Numbers of an observation and an action, and seconds per step, as the suite has them. */
const tasks = [
  ["dog-stand", 223, 38, 0.015],
  ["dog-walk", 223, 38, 0.015],
  ["dog-trot", 223, 38, 0.015],
  ["dog-run", 223, 38, 0.015],
  ["humanoid-stand", 67, 21, 0.025],
  ["humanoid-walk", 67, 21, 0.025],
  ["humanoid-run", 67, 21, 0.025],
  ["humanoid-run_pure_state", 55, 21, 0.025],
  ["manipulator-bring_ball", 44, 5, 0.01],
  ["quadruped-walk", 78, 12, 0.02],
  ["quadruped-run", 78, 12, 0.02],
  ["swimmer-swimmer6", 25, 5, 0.03],
  ["swimmer-swimmer15", 61, 14, 0.03],
  ["walker-stand", 24, 6, 0.025],
  ["walker-walk", 24, 6, 0.025],
  ["walker-run", 24, 6, 0.025],
] as const;

describe("the suite's tasks", () => {
  test.for(tasks)("%s has the suite's sizes and lasts 1000 steps", async (row) => {
    const [task, observations, actions, dt] = row;
    const id = `dm_control/${task}`;
    const env = await makeEnv(id);
    try {
      expect(env.observationSpace.size).toBe(observations);
      expect(env.actionSpace).toMatchObject({ kind: "box", size: actions });
      expect(env.maxEpisodeSteps).toBe(1000);
      expect(describeEnv(id)).toMatchObject({ dt, group: "dm_control", rewardThreshold: null });
    } finally {
      env.close();
    }
  });

  test("the quadruped's servos have ranges of their own", async () => {
    const env = await makeEnv("dm_control/quadruped-run");
    const { low, high } = env.actionSpace as { low: Float32Array; high: Float32Array };
    for (let leg = 0; leg < 4; leg++) {
      expect([...low.subarray(3 * leg, 3 * leg + 3)]).toEqual([-1, -1, Math.fround(-0.8)]);
      expect([...high.subarray(3 * leg, 3 * leg + 3)]).toEqual(
        [1, 1.1, 0.8].map((bound) => Math.fround(bound)),
      );
    }
    env.close();
  });
});

describe("models that come in sizes", () => {
  test.for([
    ["the quadruped's", quadrupedMjcf, [10, 100]],
    ["the dog's", dogMjcf, [15, 45, 135]],
  ] as const)("%s floor is as large as asked for, all else the same", async ([, mjcf, sizes]) => {
    for (const size of sizes) {
      const simulation = await Simulation.fromMjcf(mjcf(size));
      const smallest = await Simulation.fromMjcf(mjcf(sizes[0]));
      const floor = simulation.indexOf("geom", "floor");
      const geoms: Float64Array = simulation.model.geom_size;
      expect([...geoms.subarray(3 * floor, 3 * floor + 2)]).toEqual([size, size]);
      expect(geoms.subarray(3 * floor + 3)).toEqual(
        smallest.model.geom_size.subarray(3 * floor + 3),
      );
      expect(simulation.model.body_mass).toEqual(smallest.model.body_mass);
      simulation.close();
      smallest.close();
    }
  });

  test("a swimmer of n links has n - 1 joints that bend by 360/n degrees, and weighs 10 g a link", async () => {
    for (const links of [3, 6, 15]) {
      const simulation = await Simulation.fromMjcf(swimmerMjcf(links));
      const { nq, nu, nbody, jnt_range, body_subtreemass } = simulation.model;
      expect([nq, nu, nbody]).toEqual([links + 2, links - 1, links + 1]);
      expect(jnt_range[7]).toBeCloseTo((2 * Math.PI) / links, 12);
      expect(body_subtreemass[0]).toBeCloseTo(0.01 * links, 12);
      simulation.close();
    }
  });
});
