import { afterEach, describe, expect, test } from "vitest";
import type { Env } from "../../../src/envs/env.ts";
import { makeEnv } from "../../../src/envs/registry.ts";

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

let env: Env | undefined;
afterEach(() => env?.close());

/** Observations right after the reset, one per seed. */
async function starts(id: string, seeds: readonly number[] = SEEDS): Promise<Float64Array[]> {
  const opened = await makeEnv(`dm_control/${id}`);
  env = opened;
  return seeds.map((seed) => opened.reset({ seed }).observation.slice() as Float64Array);
}

const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values);

describe("random starts", () => {
  test("the walker's height stays, its limbs are anywhere", async () => {
    const observations = await starts("walker-walk");
    for (const start of observations) {
      expect(start[14]).toBe(1.3);
      expect(start.subarray(15)).toEqual(new Float64Array(9));
    }
    // The torso's axis turns all around.
    expect(span(observations.map((start) => start[0]!))).toBeGreaterThan(1.8);
  });

  test("the humanoid floats at rest, touching nothing", async () => {
    for (const start of await starts("humanoid-run_pure_state", SEEDS.slice(0, 20))) {
      expect([...start.subarray(0, 3)]).toEqual([0, 0, 1.5]);
      expect(Math.hypot(...start.subarray(3, 7))).toBeCloseTo(1, 12);
      expect(Math.min(...start.subarray(3, 7))).toBeGreaterThanOrEqual(0);
      expect(start.subarray(28)).toEqual(new Float64Array(27));
    }
  });

  test("the swimmer's target is near in a fifth of the episodes", async () => {
    const many = Array.from({ length: 400 }, (_, seed) => seed);
    const distances = (await starts("swimmer-swimmer6", many)).map((start) =>
      Math.hypot(start[5]!, start[6]!),
    );
    const near = distances.filter((x) => x < 0.55).length / distances.length;
    expect(near).toBeGreaterThan(0.15);
    expect(near).toBeLessThan(0.32);
    expect(Math.max(...distances)).toBeGreaterThan(1.8);
    expect(Math.max(...distances)).toBeLessThan(Math.hypot(2, 2) + 0.4);
  });

  test("a swimmer of 15 links bends by 24 degrees at most", async () => {
    const limit = (24 * Math.PI) / 180;
    const observations = await starts("swimmer-swimmer15", SEEDS.slice(0, 10));
    const angles = observations.flatMap((start) => [...start.subarray(0, 14)]);
    expect(Math.max(...angles.map(Math.abs))).toBeLessThanOrEqual(limit);
    expect(span(angles)).toBeGreaterThan(1.8 * limit);
  });

  test("the manipulator begins with the ball in the hand, at the target or in flight", async () => {
    const many = Array.from({ length: 200 }, (_, seed) => seed);
    const counts = { held: 0, there: 0, flying: 0 };
    for (const start of await starts("manipulator-bring_ball", many)) {
      const [ball, velocity, target] = [33, 37, 40].map((at) => start.subarray(at));
      // Finger and thumb mirror each other.
      expect(start[8]).toBe(start[12]);
      expect(Math.abs(target![0]!)).toBeLessThanOrEqual(0.4);
      expect(target![1]!).toBeGreaterThanOrEqual(0.1);
      expect(Math.hypot(target![2]!, target![3]!)).toBeCloseTo(1, 12);
      if (velocity![0] !== 0) counts.flying++;
      else if (ball![0] === target![0] && ball![1] === target![1]) counts.there++;
      else counts.held++;
    }
    expect(counts.flying).toBeGreaterThan(130);
    expect(counts.there).toBeGreaterThan(5);
    expect(counts.held).toBeGreaterThan(1);
  });

  test("the quadruped lies just above the ground, turned at random", async () => {
    const observations = await starts("quadruped-walk");
    for (const start of observations) expect(start.subarray(0, 44)).toEqual(new Float64Array(44));
    expect(span(observations.map((start) => start[47]!))).toBeGreaterThan(1.5);
    // Nothing presses on the toes yet; what is felt is their own weight.
    for (const start of observations) {
      expect(Math.max(...start.subarray(54, 66).map(Math.abs))).toBeLessThan(4);
    }
  });
});

describe("rewards", () => {
  test("name their terms", async () => {
    env = await makeEnv("dm_control/humanoid-walk");
    env.reset({ seed: 0 });
    const { info, reward } = env.step(new Array<number>(21).fill(0.5));
    expect(info["small_control"]).toBeCloseTo((4 + 0.75) / 5, 12);
    const product = Object.values(info).reduce((a, b) => a * b, 1);
    expect(reward).toBeCloseTo(product, 12);
  });
});
