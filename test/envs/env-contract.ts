import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { randomActions } from "../../src/envs/benchmark.ts";
import type { Env, EnvFactory } from "../../src/envs/env.ts";
import { RandomStream } from "../../src/math/random.ts";

/** What happened in a stretch of steps, as plain numbers. */
function record(env: Env, actions: readonly Float32Array[]): number[][] {
  return actions.map((action) => {
    const { observation, reward, terminated, truncated } = env.step(action);
    if (terminated || truncated) env.reset();
    return [...observation, reward, Number(terminated), Number(truncated)];
  });
}

/** What every `Env` does. */
export function envContract(name: string, make: EnvFactory): void {
  describe(`${name} as an environment`, () => {
    let env: Env;
    let actions: Float32Array[];

    beforeEach(async () => {
      env = await make();
      actions = randomActions(env.actionSpace, RandomStream.derive(7, "test"), 40);
    });
    afterEach(() => env.close());

    test("declares spaces whose bounds are ordered float32 numbers", () => {
      for (const space of [env.observationSpace, env.actionSpace]) {
        if (space.kind === "discrete") {
          expect(space.count).toBeGreaterThan(0);
          continue;
        }
        expect(space.size).toBeGreaterThan(0);
        expect(space.low).toBeInstanceOf(Float32Array);
        expect(space.low).toHaveLength(space.size);
        expect(space.high).toHaveLength(space.size);
        expect(space.low.every((low, i) => low < space.high[i]!)).toBe(true);
      }
    });

    test("observes float64 vectors inside its space, and finite rewards", () => {
      const { low, high, size } = env.observationSpace;
      expect(env.reset({ seed: 0 }).observation).toBeInstanceOf(Float64Array);
      for (const action of actions) {
        const { observation, reward, terminated, truncated } = env.step(action);
        expect(observation).toBeInstanceOf(Float64Array);
        expect(observation).toHaveLength(size);
        expect(observation.every((x, i) => x >= low[i]! && x <= high[i]!)).toBe(true);
        expect(observation.every(Number.isFinite)).toBe(true);
        expect(Number.isFinite(reward)).toBe(true);
        expect(typeof terminated).toBe("boolean");
        expect(typeof truncated).toBe("boolean");
        if (terminated || truncated) env.reset();
      }
    });

    test("reports the same names in every step's info, with finite numbers", () => {
      env.reset({ seed: 0 });
      const names = Object.keys(env.step(actions[0]!).info);
      env.reset({ seed: 1 });
      const { info } = env.step(actions[1]!);
      expect(Object.keys(info)).toEqual(names);
      expect(Object.values(info).every(Number.isFinite)).toBe(true);
    });

    test("repeats itself for the same seed, in another instance too", async () => {
      const other = await make();
      try {
        const first = [...env.reset({ seed: 3 }).observation];
        const firstRecord = record(env, actions);
        expect([...env.reset({ seed: 3 }).observation]).toEqual(first);
        expect([...other.reset({ seed: 3 }).observation]).toEqual(first);
        expect(record(other, actions)).toEqual(firstRecord);
      } finally {
        other.close();
      }
    });

    test("starts differently after another seed, and after a reset without one", () => {
      const first = [...env.reset({ seed: 3 }).observation];
      const second = [...env.reset().observation];
      expect(second).not.toEqual(first);
      expect([...env.reset({ seed: 4 }).observation]).not.toEqual(first);
      env.reset({ seed: 3 });
      expect([...env.reset().observation]).toEqual(second);
    });

    test("leaves the action it is given untouched", () => {
      env.reset({ seed: 0 });
      const action = actions[0]!;
      const before = [...action];
      env.step(action);
      expect([...action]).toEqual(before);
    });

    test("refuses an action of the wrong length", () => {
      env.reset({ seed: 0 });
      expect(() => env.step([...actions[0]!, 0])).toThrow(
        expect.objectContaining({ code: "ENV_FAILED" }),
      );
    });

    test("continues from a snapshot bit for bit, in another instance and through JSON", async () => {
      const other = await make();
      try {
        env.reset({ seed: 5 });
        record(env, actions.slice(0, 15));
        const text = JSON.stringify(env.snapshot?.());
        const expected = record(env, actions);
        const restored = other.restore?.(JSON.parse(text));
        expect(restored?.observation).toHaveLength(other.observationSpace.size);
        expect(JSON.stringify(other.snapshot?.())).toBe(text);
        expect(record(other, actions)).toEqual(expected);
        expect(JSON.stringify(other.snapshot?.())).toBe(JSON.stringify(env.snapshot?.()));
      } finally {
        other.close();
      }
    });

    test("refuses a snapshot of something else", () => {
      expect(() => env.restore?.({ elapsed: 0, env: { task: "Other-v0" } })).toThrow(
        expect.objectContaining({ code: "CHECKPOINT_INCOMPATIBLE" }),
      );
    });
  });
}
