import { afterEach, describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { makeEnv } from "../../src/envs/registry.ts";

const open: Env[] = [];
afterEach(() => {
  for (const env of open.splice(0)) env.close();
});

async function make(id = "reacher-easy"): Promise<Env> {
  const env = await makeEnv(`dm_control/${id}`);
  open.push(env);
  return env;
}

const target = { geom_pos_target: [0.125, -0.0625, 0.01] };
const stretched = { qpos: [0, 0], qvel: [0, 0] };
/** [x, y] from the finger, which a stretched arm holds at (0.24, 0), to the target. */
const toTarget = (env: Env, state: object) => [...env.reset({ state }).observation.slice(2, 4)];

describe("model edits of a start state", () => {
  test("move the target, whatever was drawn", async () => {
    const env = await make();
    expect(toTarget(env, { ...stretched, edits: target })).toEqual([0.125 - 0.24, -0.0625]);
  });

  test("change what the reward is measured against", async () => {
    const env = await make("reacher-hard");
    const near = { geom_pos_target: [0.27, 0, 0.01] };
    env.reset({ state: { ...stretched, edits: near } });
    expect(env.step([0, 0]).reward).toBe(0);
    env.reset({ state: { ...stretched, edits: { ...near, geom_size_target: [0.05] } } });
    expect(env.step([0, 0]).reward).toBe(1);
  });

  test("change the dynamics", async () => {
    const env = await make("finger-spin");
    const state = { qpos: [0, 0, 0], qvel: [0, 0, 10] };
    const slowedBy = (damping: number[]) => {
      env.reset({ state: { ...state, edits: { dof_damping_hinge: damping } } });
      return 10 - env.step([0, 0]).observation[6]!;
    };
    expect(slowedBy([0.5])).toBeGreaterThan(4 * slowedBy([0.03]));
  });

  test("are forgotten by the next reset", async () => {
    const [env, other] = [await make("fish-upright"), await make("fish-upright")];
    const moved = { geom_pos_target: [1, 2, 3], geom_size_target: [0.5] };
    env.reset({ seed: 1, state: { edits: moved } });
    env.reset({ seed: 2 });
    other.reset({ seed: 2 });
    expect(env.snapshot?.()).toEqual(other.snapshot?.());
  });

  test("travel in snapshots", async () => {
    const [env, other] = [await make(), await make()];
    env.reset({ seed: 1, state: { ...stretched, edits: target } });
    other.reset({ seed: 2 });
    other.restore?.(JSON.parse(JSON.stringify(env.snapshot?.())));
    expect([...other.step([1, -1]).observation]).toEqual([...env.step([1, -1]).observation]);
  });

  test.for([
    [
      { geom_pos_goal: [0] },
      /edits\.geom_pos_goal is unknown: the task edits geom_pos_target, geom_/,
    ],
    [{ geom_pos_target: [0, 0] }, /edits\.geom_pos_target needs 3 numbers, not 2/],
    [{ geom_size_target: [Number.NaN] }, /edits\.geom_size_target\[0\] is NaN/],
  ] as const)("are refused when impossible: %j", async ([edits, message]) => {
    const env = await make();
    expect(() => env.reset({ seed: 0, state: { edits } })).toThrow(
      expect.objectContaining({ code: "ENV_FAILED", message: expect.stringMatching(message) }),
    );
  });

  test("cannot be restored from a task that has others", async () => {
    const env = await make();
    env.reset({ seed: 0 });
    const snapshot = env.snapshot?.() as { env: object };
    const damaged = { ...snapshot, env: { ...snapshot.env, edits: "" } };
    expect(() => env.restore?.(damaged)).toThrow(
      expect.objectContaining({
        code: "CHECKPOINT_INCOMPATIBLE",
        message: "the snapshot's edits has 0 values, not 4",
      }),
    );
  });
});
