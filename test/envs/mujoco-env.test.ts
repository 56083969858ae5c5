import { afterEach, describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { halfCheetah } from "../../src/envs/gymnasium/half-cheetah.ts";
import { Simulation } from "../../src/envs/mujoco/engine.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { physicsState } from "./fixtures.ts";

const open: Env[] = [];
afterEach(() => {
  for (const env of open.splice(0)) env.close();
});

async function make(id = "HalfCheetah-v5", options = {}): Promise<Env> {
  const env = await makeEnv(id, options);
  open.push(env);
  return env;
}

function failureOf(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (thrown) {
    return thrown as { code: string; message: string };
  }
  throw new Error("nothing was thrown");
}

describe("a MuJoCo environment", () => {
  describe("ends an episode as failed, naming task, step and seed,", () => {
    test("when the physics diverges", async () => {
      const env = await make();
      env.reset({ seed: 11 });
      env.reset({ state: { qvel: [0, 0, 0, 5e9, 0, 0, 0, 0, 0], time: 3 } });
      const failure = failureOf(() => env.step([0, 0, 0, 0, 0, 0]));
      expect(failure.code).toBe("ENV_FAILED");
      expect(failure.message).toMatch(
        /^HalfCheetah-v5: the physics diverged at step 1: .* \(seed 11, episode 2\)$/,
      );
    });

    test("and refuses to go on until the next reset", async () => {
      const env = await make();
      env.reset({ seed: 1, state: { qvel: [0, 0, 0, 5e9, 0, 0, 0, 0, 0] } });
      failureOf(() => env.step([0, 0, 0, 0, 0, 0]));
      expect(failureOf(() => env.step([0, 0, 0, 0, 0, 0])).message).toMatch(/needs a .* reset/);
      expect(failureOf(() => env.snapshot?.()).code).toBe("ENV_FAILED");
      const other = await make();
      expect([...env.reset({ seed: 2 }).observation]).toEqual([
        ...other.reset({ seed: 2 }).observation,
      ]);
      expect(env.step([0, 0, 0, 0, 0, 0]).reward).toBe(other.step([0, 0, 0, 0, 0, 0]).reward);
    });
  });

  test.for([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e11])(
    "refuses the action %d without moving",
    async (bad) => {
      const env = await make();
      env.reset({ seed: 4 });
      env.step([0, 0, 0, 0, 0, 0]);
      const failure = failureOf(() => env.step([0, 0, bad, 0, 0, 0]));
      expect(failure.code).toBe("ENV_FAILED");
      expect(failure.message).toContain(`action[2] is ${bad} at step 2 (seed 4, episode 1)`);
      const { observation } = env.step([1, 0, 0, 0, 0, 0]);
      const other = await make();
      other.reset({ seed: 4 });
      other.step([0, 0, 0, 0, 0, 0]);
      expect([...observation]).toEqual([...other.step([1, 0, 0, 0, 0, 0]).observation]);
    },
  );

  test("pays the cost of the raw action, while the engine clamps it", async () => {
    const [clamped, raw] = [await make(), await make()];
    clamped.reset({ seed: 0 });
    raw.reset({ seed: 0 });
    const one = clamped.step([1, 1, 1, 1, 1, 1]);
    const ten = raw.step([10, 10, 10, 10, 10, 10]);
    expect([...ten.observation]).toEqual([...one.observation]);
    expect(ten.info["reward_ctrl"]).toBe(-0.1 * 600);
    expect(ten.reward).toBeCloseTo(one.reward - 0.1 * 594, 10);
  });

  test("acts on its own state after another environment has moved the heap", async () => {
    const [moved, untouched] = [await make(), await make()];
    for (const env of [moved, untouched]) env.reset({ seed: 0 });
    const action = [1, -1, 1, -1, 1, -1];
    const expected = [...untouched.step(action).observation];
    const probe = await Simulation.fromMjcf(halfCheetah.mjcf);
    const { qpos } = probe;
    while (qpos.length > 0) await make();
    probe.close();
    expect([...moved.step(action).observation]).toEqual(expected);
  });

  test("takes actions from float32, float64 and plain arrays alike", async () => {
    const action = [0.5, -0.25, 1, -1, 0.125, 0];
    const observations = [];
    for (const given of [action, Float32Array.from(action), Float64Array.from(action)]) {
      const env = await make();
      env.reset({ seed: 0 });
      observations.push([...env.step(given).observation]);
    }
    expect(observations[1]).toEqual(observations[0]);
    expect(observations[2]).toEqual(observations[0]);
  });

  test("refuses a step before the first reset and any use after close", async () => {
    const env = await make();
    expect(failureOf(() => env.step([0, 0, 0, 0, 0, 0])).message).toMatch(/reset first/);
    env.close();
    expect(failureOf(() => env.reset()).message).toMatch(/closed/);
    expect(failureOf(() => env.step([0, 0, 0, 0, 0, 0])).message).toMatch(/closed/);
    env.close();
  });

  describe("starts from a given state", () => {
    const qpos = [0, 0.1, 0, 0, 0, 0, 0, 0, 0.25];

    test("whose missing fields are the task's own draw", async () => {
      const [env, other] = [await make(), await make()];
      const own = [...other.reset({ seed: 8 }).observation];
      const { observation } = env.reset({ seed: 8, state: { qpos } });
      expect([...observation]).toEqual([...qpos.slice(1), ...own.slice(8)]);
    });

    test("and with its time and warm start continues an episode bit for bit", async () => {
      const [env, other] = [await make("Hopper-v5"), await make("Hopper-v5")];
      const lying = { qpos: [0, 0.3, 1.5, 0, 0, 0], qvel: [0, 0, 0, 0, 0, 0] };
      const walk = (walker: Env) =>
        Array.from({ length: 10 }, () => [...walker.step([0.3, 0.2, 0.1]).observation]);
      env.reset({ state: lying });
      for (let t = 0; t < 30; t++) env.step([0.1, 0.2, 0.3]);
      // [time, qpos, qvel, warm start, ..]: the hopper has no activations.
      const values = physicsState(env);
      const state = {
        time: values[0]!,
        qpos: values.slice(1, 7),
        qvel: values.slice(7, 13),
        warmstart: values.slice(13, 19),
      };
      const expected = walk(env);
      other.reset({ state });
      expect(walk(other)).toEqual(expected);
      other.reset({ state: { ...state, warmstart: new Float64Array(6).fill(1000) } });
      expect(walk(other)).not.toEqual(expected);
    });

    test.for([
      [{ qpos: [1, 2] }, "qpos needs 9 numbers, not 2"],
      [{ qvel: [0, 0, 0, 0, Number.NaN, 0, 0, 0, 0] }, "qvel[4] is NaN"],
      [{ act: [1] }, "act needs 0 numbers, not 1"],
      [{ warmstart: [1] }, "warmstart needs 9 numbers, not 1"],
      [{ time: -1 }, "time is -1"],
      [
        { edits: { geom_size: [1] } },
        "edits.geom_size is unknown: the task edits no model numbers",
      ],
    ] as const)("but not from %j", async ([state, reason]) => {
      const env = await make();
      const failure = failureOf(() => env.reset({ seed: 0, state }));
      expect(failure).toMatchObject({ code: "ENV_FAILED" });
      expect(failure.message).toContain(reason);
    });
  });

  test("refuses a snapshot taken under options that change its size", async () => {
    const env = await make();
    const wide = await make("HalfCheetah-v5", {
      exclude_current_positions_from_observation: false,
    });
    wide.reset({ seed: 0 });
    const snapshot = wide.snapshot?.() ?? {};
    expect(failureOf(() => env.restore?.(snapshot))).toMatchObject({
      code: "CHECKPOINT_INCOMPATIBLE",
      message: "the snapshot's observation has 18 values, not 17",
    });
  });

  test("refuses a damaged snapshot and goes on as before", async () => {
    const [env, other] = [await make(), await make()];
    for (const each of [env, other]) each.reset({ seed: 0 });
    const inner = env.snapshot?.()["env"];
    expect(inner).toBeTypeOf("object");
    for (const damage of [
      { physics: "AAAA" },
      { physics: 5 },
      { format: 2 },
      { seed: undefined },
    ]) {
      const damaged = { elapsed: 0, env: { ...(inner as object), ...damage } };
      expect(failureOf(() => env.restore?.(damaged)).code).toBe("CHECKPOINT_INCOMPATIBLE");
    }
    const action = [1, 1, 1, 1, 1, 1];
    expect([...env.step(action).observation]).toEqual([...other.step(action).observation]);
  });

  test("fits 64 times into one thread, instances not disturbing each other", async () => {
    const envs = [];
    for (let i = 0; i < 64; i++) envs.push(await make("Walker2d-v5"));
    for (const [i, env] of envs.entries()) env.reset({ seed: i % 2 });
    const action = [0.3, -0.3, 0.3, -0.3, 0.3, -0.3];
    const sums = envs.map((env) => {
      for (let t = 0; t < 5; t++) env.step(action);
      return [...env.step(action).observation].reduce((sum, x) => sum + x, 0);
    });
    expect(new Set(sums.filter((_, i) => i % 2 === 0)).size).toBe(1);
    expect(new Set(sums).size).toBe(2);
  });

  test("starts episodes with the noise its options ask for", async () => {
    const env = await make("HalfCheetah-v5", { reset_noise_scale: 0.1 });
    const count = 2000;
    let squaredVelocity = 0;
    let largest = 0;
    env.reset({ seed: 0 });
    for (let i = 0; i < count; i++) {
      const { observation } = env.reset();
      for (const q of observation.subarray(0, 8)) largest = Math.max(largest, Math.abs(q));
      for (const v of observation.subarray(8)) squaredVelocity += v * v;
    }
    // Uniform positions stay below 0.1 and come close to it; velocities have variance 0.01, whose
    // estimate from 18,000 numbers has a standard error of 1 %.
    expect(largest).toBeLessThan(0.1);
    expect(largest).toBeGreaterThan(0.0999);
    expect(squaredVelocity / (9 * count)).toBeCloseTo(0.01, 3);
  });
});
