import { describe, expect, onTestFinished, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { makeEnv } from "../../src/envs/registry.ts";

const ID = "dm_control/cartpole-balance";

async function open(options: Readonly<Record<string, unknown>>): Promise<Env> {
  const env = await makeEnv(ID, options);
  onTestFinished(() => env.close());
  return env;
}

const frames = (observation: ArrayLike<number>, count: number): number[][] => {
  const size = observation.length / count;
  return Array.from({ length: count }, (_, k) =>
    Array.from(observation).slice(k * size, (k + 1) * size),
  );
};

describe("the option pixels", () => {
  test("makes observations a stack of frames, channels first, and repeats actions", async () => {
    const env = await open({ pixels: { size: 16, stack: 3, repeat: 2, samples: 1 } });
    expect(env.observationSpace).toMatchObject({
      size: 3 * 3 * 16 * 16,
      image: { height: 16, width: 16, channels: 3, stack: 3 },
    });
    expect(env.maxEpisodeSteps).toBe(500);
    const states = await open({});
    states.reset({ seed: 3 });
    const first = frames(env.reset({ seed: 3 }).observation, 3);
    expect(first[0]).toEqual(first[2]);
    expect(first[1]).toEqual(first[2]);
    const { observation, reward } = env.step([1]);
    const sum = states.step([1]).reward + states.step([1]).reward;
    expect(reward).toBeCloseTo(sum, 12);
    const next = frames(observation, 3);
    expect(next.slice(0, 2)).toEqual(first.slice(1));
    const view = states.openView?.({ width: 16, height: 16 });
    const drawn = view?.render(new Uint8Array(16 * 16 * 3)) ?? new Uint8Array();
    const planes = [0, 1, 2].flatMap((c) => [...drawn].filter((_, i) => i % 3 === c));
    expect(next[2]).toEqual(planes);
  });

  test("shows the mean of a pixel's rays", async () => {
    const env = await open({ pixels: { size: 8, stack: 1, samples: 2 } });
    const fine = await open({ pixels: { size: 16, stack: 1, samples: 1 } });
    const [mean, rays] = [env.reset({ seed: 2 }).observation, fine.reset({ seed: 2 }).observation];
    const ray = (c: number, y: number, x: number): number =>
      rays[c * 256 + y * 16 + x] ?? Number.NaN;
    for (const [c, y, x] of [
      [0, 1, 3],
      [1, 4, 4],
      [2, 7, 0],
    ] as const) {
      const sum = [0, 1, 2, 3].reduce(
        (total, k) => total + ray(c, 2 * y + Math.floor(k / 2), 2 * x + (k % 2)),
        0,
      );
      expect(mean[c * 64 + y * 8 + x]).toBe(Math.round(sum / 4));
    }
  });

  test("goes on bit for bit from a snapshot, the frames of before included", async () => {
    const options = { pixels: { size: 12 } };
    const [env, other] = [await open(options), await open(options)];
    env.reset({ seed: 1 });
    for (let t = 0; t < 5; t++) env.step([0.7]);
    const snapshot = env.snapshot?.() ?? {};
    const restored = other.restore?.(JSON.parse(JSON.stringify(snapshot)) as typeof snapshot);
    const expected = env.step([-1]);
    expect(restored?.observation).toHaveLength(12 * 12 * 9);
    const found = other.step([-1]);
    expect([...found.observation]).toEqual([...expected.observation]);
    expect(found.reward).toBe(expected.reward);
  });

  test("a number is the size; others are refused with the field's name", async () => {
    expect((await open({ pixels: 24 })).observationSpace.image?.width).toBe(24);
    await expect(makeEnv(ID, { pixels: { sise: 24 } })).rejects.toThrow(/pixels.*\s.*sise/);
    await expect(makeEnv(ID, { pixels: { size: 2 } })).rejects.toThrow(/size/);
    await expect(makeEnv(ID, { pixels: { camera: "nowhere" } })).rejects.toThrow(/nowhere/);
    await expect(makeEnv("PointMass-v0", { pixels: 24 })).rejects.toThrow(/has no camera/);
  });
});
