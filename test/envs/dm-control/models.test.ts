import { afterEach, describe, expect, test } from "vitest";
import { ACROBOT_MJCF } from "../../../src/envs/dm-control/models/acrobot.ts";
import { BALL_IN_CUP_MJCF } from "../../../src/envs/dm-control/models/ball-in-cup.ts";
import { cartpoleMjcf } from "../../../src/envs/dm-control/models/cartpole.ts";
import { CHEETAH_MJCF } from "../../../src/envs/dm-control/models/cheetah.ts";
import { dogMjcf } from "../../../src/envs/dm-control/models/dog.ts";
import { fingerMjcf } from "../../../src/envs/dm-control/models/finger.ts";
import { fishMjcf } from "../../../src/envs/dm-control/models/fish.ts";
import { HOPPER_MJCF } from "../../../src/envs/dm-control/models/hopper.ts";
import { HUMANOID_MJCF } from "../../../src/envs/dm-control/models/humanoid.ts";
import { MANIPULATOR_MJCF } from "../../../src/envs/dm-control/models/manipulator.ts";
import { PENDULUM_MJCF } from "../../../src/envs/dm-control/models/pendulum.ts";
import { POINT_MASS_MJCF } from "../../../src/envs/dm-control/models/point-mass.ts";
import { quadrupedMjcf } from "../../../src/envs/dm-control/models/quadruped.ts";
import { REACHER_MJCF } from "../../../src/envs/dm-control/models/reacher.ts";
import { swimmerMjcf } from "../../../src/envs/dm-control/models/swimmer.ts";
import { WALKER_MJCF } from "../../../src/envs/dm-control/models/walker.ts";
import { Simulation } from "../../../src/envs/mujoco/engine.ts";
import { readSuiteModelFields } from "../fixtures.ts";
import { readLike } from "../model-fields.ts";

const models = [
  ["acrobot", ACROBOT_MJCF],
  ["ball_in_cup", BALL_IN_CUP_MJCF],
  ["cartpole", cartpoleMjcf(1)],
  ["cartpole_two_poles", cartpoleMjcf(2)],
  ["cheetah", CHEETAH_MJCF],
  ["finger", fingerMjcf("shown")],
  ["finger", fingerMjcf("hidden")],
  ["fish", fishMjcf("shown")],
  ["fish", fishMjcf("hidden")],
  ["hopper", HOPPER_MJCF],
  ["dog_meshfree", dogMjcf(15)],
  ["humanoid", HUMANOID_MJCF],
  ["manipulator_bring_ball", MANIPULATOR_MJCF],
  ["quadruped_walk", quadrupedMjcf(10)],
  ["swimmer6", swimmerMjcf(6)],
  ["walker", WALKER_MJCF],
  ["pendulum", PENDULUM_MJCF],
  ["point_mass", POINT_MASS_MJCF],
  ["reacher", REACHER_MJCF],
] as const;

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

describe("compiled models of the suite", () => {
  test.for(models)(
    "%s equals the reference in every field of the dynamics",
    async ([name, mjcf]) => {
      const reference = readSuiteModelFields(name);
      simulation = await Simulation.fromMjcf(mjcf);
      expect(Object.keys(reference).length).toBeGreaterThan(80);
      expect(readLike(simulation.model, reference)).toEqual(reference);
    },
  );
});
