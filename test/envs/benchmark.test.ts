import { describe, expect, test } from "vitest";
import { benchmarkEnv, randomActions, runSteps } from "../../src/envs/benchmark.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { RandomStream } from "../../src/math/random.ts";

describe("benchmarkEnv", () => {
  test("measures the steps it is asked for", async () => {
    const { env, steps, seconds, stepsPerSecond } = await benchmarkEnv("PointMass-v0", {
      steps: 500,
    });
    expect({ env, steps }).toEqual({ env: "PointMass-v0", steps: 500 });
    expect(stepsPerSecond * seconds).toBeCloseTo(500, 6);
  });

  test("draws actions inside the space", () => {
    const random = RandomStream.derive(0);
    const [low, high] = [Float32Array.of(-3, 0), Float32Array.of(-2, 5)];
    for (const [a = 0, b = 0] of randomActions({ kind: "box", size: 2, low, high }, random, 50)) {
      expect(a >= -3 && a <= -2 && b >= 0 && b <= 5).toBe(true);
    }
    const indices = randomActions({ kind: "discrete", count: 3 }, random, 50).map(([i]) => i);
    expect(new Set(indices)).toEqual(new Set([0, 1, 2]));
  });

  test("starts a new episode when one ends, from the state it is given", async () => {
    const env = await makeEnv("PointMass-v0", { max_episode_steps: 2 });
    runSteps(env, [Float32Array.of(1, -1)], { steps: 2, state: { qpos: [0.5, 0.5] } });
    expect([...env.step([0, 0]).observation]).toEqual([0.5, 0.5]);
  });
});
