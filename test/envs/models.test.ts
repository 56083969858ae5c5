import { afterEach, describe, expect, test } from "vitest";
import { ant } from "../../src/envs/gymnasium/ant.ts";
import { halfCheetah } from "../../src/envs/gymnasium/half-cheetah.ts";
import { hopper } from "../../src/envs/gymnasium/hopper.ts";
import { humanoid } from "../../src/envs/gymnasium/humanoid.ts";
import { humanoidStandup } from "../../src/envs/gymnasium/humanoid-standup.ts";
import { invertedDoublePendulum } from "../../src/envs/gymnasium/inverted-double-pendulum.ts";
import { invertedPendulum } from "../../src/envs/gymnasium/inverted-pendulum.ts";
import { pusher } from "../../src/envs/gymnasium/pusher.ts";
import { reacher } from "../../src/envs/gymnasium/reacher.ts";
import { swimmer } from "../../src/envs/gymnasium/swimmer.ts";
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
    ["ant", ant.mjcf],
    ["humanoid", humanoid.mjcf],
    ["humanoidstandup", humanoidStandup.mjcf],
    ["swimmer", swimmer.mjcf],
    ["reacher", reacher.mjcf],
    ["pusher", pusher.mjcf],
    ["inverted_pendulum", invertedPendulum.mjcf],
    ["inverted_double_pendulum", invertedDoublePendulum.mjcf],
  ] as const)("%s equals the reference in every field of the dynamics", async ([name, mjcf]) => {
    const reference = readModelFields(name);
    simulation = await Simulation.fromMjcf(mjcf);
    expect(Object.keys(reference).length).toBeGreaterThan(80);
    expect(readLike(simulation.model, reference)).toEqual(reference);
  });
});
