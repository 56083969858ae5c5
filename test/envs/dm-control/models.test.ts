import { afterEach, describe, expect, test } from "vitest";
import { cartpoleMjcf } from "../../../src/envs/dm-control/models/cartpole.ts";
import { PENDULUM_MJCF } from "../../../src/envs/dm-control/models/pendulum.ts";
import { Simulation } from "../../../src/envs/mujoco/engine.ts";
import { readModelFields } from "../fixtures.ts";
import { readLike } from "../model-fields.ts";

const models = [
  ["cartpole", cartpoleMjcf(1)],
  ["cartpole_two_poles", cartpoleMjcf(2)],
  ["pendulum", PENDULUM_MJCF],
] as const;

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

describe("compiled models of the suite", () => {
  test.for(models)(
    "%s equals the reference in every field of the dynamics",
    async ([name, mjcf]) => {
      const reference = readModelFields(name);
      simulation = await Simulation.fromMjcf(mjcf);
      expect(Object.keys(reference).length).toBeGreaterThan(80);
      expect(readLike(simulation.model, reference)).toEqual(reference);
    },
  );
});
