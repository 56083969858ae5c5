import { afterEach, describe, expect, test } from "vitest";
import { halfCheetah } from "../../src/envs/gymnasium/half-cheetah.ts";
import { hopper } from "../../src/envs/gymnasium/hopper.ts";
import { invertedPendulum } from "../../src/envs/gymnasium/inverted-pendulum.ts";
import { walker2d } from "../../src/envs/gymnasium/walker2d.ts";
import { Simulation } from "../../src/envs/mujoco/engine.ts";
import { readModelFields } from "./fixtures.ts";
import { readLike } from "./model-fields.ts";

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

describe("compiled models", () => {
  test.for([
    ["half_cheetah", halfCheetah.mjcf],
    ["hopper", hopper.mjcf],
    ["walker2d", walker2d.mjcf],
    ["inverted_pendulum", invertedPendulum.mjcf],
  ] as const)("%s equals the reference in every field of the dynamics", async ([name, mjcf]) => {
    const reference = readModelFields(name);
    simulation = await Simulation.fromMjcf(mjcf);
    expect(Object.keys(reference).length).toBeGreaterThan(80);
    expect(readLike(simulation.model, reference)).toEqual(reference);
  });
});
