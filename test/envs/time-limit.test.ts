import { describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { timeLimit } from "../../src/envs/wrappers/time-limit.ts";

/** Counts its own steps and terminates on the given one. */
function counter(terminatesAt: number): Env {
  const space = {
    kind: "box",
    size: 1,
    low: Float32Array.of(-1),
    high: Float32Array.of(1),
  } as const;
  let count = 0;
  return {
    id: "Counter",
    observationSpace: space,
    actionSpace: space,
    maxEpisodeSteps: Number.POSITIVE_INFINITY,
    reset() {
      count = 0;
      return { observation: Float64Array.of(0), info: {} };
    },
    step() {
      count++;
      const terminated = count === terminatesAt;
      return {
        observation: Float64Array.of(count),
        reward: 1,
        terminated,
        truncated: false,
        info: {},
      };
    },
    close() {},
  };
}

function flags(env: Env, steps: number): string[] {
  return Array.from({ length: steps }, () => {
    const { terminated, truncated } = env.step([0]);
    return `${terminated ? "t" : "-"}${truncated ? "T" : "-"}`;
  });
}

describe("timeLimit", () => {
  test("truncates on the step whose number is the limit, in every episode", () => {
    const env = timeLimit(counter(99), 3);
    for (let episode = 0; episode < 2; episode++) {
      env.reset();
      expect(flags(env, 3)).toEqual(["--", "--", "-T"]);
    }
  });

  test("leaves terminated alone, on the last step too", () => {
    const env = timeLimit(counter(3), 3);
    env.reset();
    expect(flags(env, 3)).toEqual(["--", "--", "tT"]);
    const early = timeLimit(counter(2), 3);
    early.reset();
    expect(flags(early, 2)).toEqual(["--", "t-"]);
  });

  test("shortens a longer limit and keeps a shorter one", () => {
    expect(timeLimit(timeLimit(counter(99), 5), 3).maxEpisodeSteps).toBe(3);
    const env = timeLimit(timeLimit(counter(99), 2), 3);
    expect(env.maxEpisodeSteps).toBe(2);
    env.reset();
    expect(flags(env, 2)).toEqual(["--", "-T"]);
  });

  test("offers snapshots exactly when the environment does", async () => {
    expect(timeLimit(counter(99), 3).snapshot).toBeUndefined();
    const env = await makeEnv("InvertedPendulum-v5");
    expect(env.snapshot).toBeDefined();
    env.close();
  });

  test("counts on from a restored snapshot", async () => {
    const env = await makeEnv("InvertedPendulum-v5", { max_episode_steps: 5 });
    env.reset({ seed: 0 });
    flags(env, 3);
    const snapshot = env.snapshot?.() ?? {};
    env.reset();
    env.restore?.(snapshot);
    expect(flags(env, 2)).toEqual(["--", "-T"]);
    env.close();
  });

  test.for([0, -1, 1.5, Number.NaN])("refuses the limit %d", (limit) => {
    expect(() => timeLimit(counter(1), limit)).toThrow(RangeError);
  });
});
