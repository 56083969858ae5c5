import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { CHEETAH_MJCF } from "../../../src/envs/dm-control/models/cheetah.ts";
import type { Env } from "../../../src/envs/env.ts";
import { makeEnv } from "../../../src/envs/registry.ts";
import { physicsState } from "../fixtures.ts";

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
    const observations = await starts("quadruped-walk", SEEDS.slice(0, 8));
    for (const start of observations) expect(start.subarray(0, 44)).toEqual(new Float64Array(44));
    expect(span(observations.map((start) => start[47]!))).toBeGreaterThan(1.5);
    // Nothing presses on the toes yet; what is felt is their own weight.
    for (const start of observations) {
      expect(Math.max(...start.subarray(54, 66).map(Math.abs))).toBeLessThan(4);
    }
  });

  test("the acrobot's links and the pendulum point anywhere, at rest", async () => {
    for (const [id, velocities] of [
      ["acrobot-swingup", 2],
      ["pendulum-swingup", 1],
    ] as const) {
      const observations = await starts(id);
      for (const start of observations) {
        expect([...start.subarray(-velocities)]).toEqual(new Array(velocities).fill(0));
      }
      expect(span(observations.map((start) => start[0]!))).toBeGreaterThan(1.9);
      env?.close();
    }
  });

  test("the ball hangs in the air, away from the cup", async () => {
    const observations = await starts("ball_in_cup-catch");
    for (const [cupX, cupZ, x, z] of observations) {
      expect([cupX, cupZ]).toEqual([0, 0]);
      expect(Math.abs(x!)).toBeLessThan(0.2);
      expect(z).toBeGreaterThanOrEqual(0.2);
      expect(z).toBeLessThan(0.5);
    }
    expect(span(observations.map((start) => start[2]!))).toBeGreaterThan(0.36);
    expect(span(observations.map((start) => start[3]!))).toBeGreaterThan(0.25);
  });

  test("the cheetah has come to rest on the ground, at time 0", async () => {
    const observations = await starts("cheetah-run", SEEDS.slice(0, 20));
    expect(physicsState(env!)[0]).toBe(0);
    for (const start of observations) {
      // 2 s on, it stands lower than it was dropped from, and hardly moves any more.
      expect(start[0]).toBeLessThan(-0.05);
      expect(Math.max(...start.subarray(8).map(Math.abs))).toBeLessThan(0.5);
    }
    expect(span(observations.map((start) => start[1]!))).toBeGreaterThan(0.01);
  });

  test("the finger touches nothing, its target lies where the spinner's tip can be", async () => {
    const observations = await starts("finger-turn_hard");
    const targets = observations.map((start) => start.subarray(9, 11));
    for (const [i, target] of targets.entries()) {
      expect(Math.hypot(...target)).toBeCloseTo(0.13, 12);
      const tip = observations[i]!.subarray(2, 4);
      const apart = Math.hypot(target[0]! - tip[0]!, target[1]! - tip[1]!);
      expect(observations[i]![11]).toBeCloseTo(apart - 0.03, 12);
      expect([...observations[i]!.subarray(4, 9)]).toEqual([0, 0, 0, 0, 0]);
    }
    for (const axis of [0, 1]) {
      expect(span(targets.map((target) => target[axis]!))).toBeGreaterThan(0.24);
    }
  });

  test("the easy and the hard target differ in size alone", async () => {
    const easy = await starts("finger-turn_easy");
    env?.close();
    const hard = await starts("finger-turn_hard");
    for (const [i, start] of easy.entries()) {
      expect(start[11]).toBeCloseTo(hard[i]![11]! - 0.04, 12);
      expect([...start.subarray(0, 11)]).toEqual([...hard[i]!.subarray(0, 11)]);
    }
  });

  test("the fish is turned at random, its target within the tank", async () => {
    const observations = await starts("fish-swim");
    for (const start of observations) {
      expect(Math.max(...start.subarray(0, 7).map(Math.abs))).toBeLessThan(0.2);
      expect(start.subarray(11)).toEqual(new Float64Array(13));
      // From its mouth, within 0.08 m of (0, 0, 0.1), to a box that reaches to (0.4, 0.4, 0.3).
      expect(Math.hypot(...start.subarray(8, 11))).toBeLessThan(Math.hypot(0.4, 0.4, 0.2) + 0.08);
    }
    expect(span(observations.map((start) => start[7]!))).toBeGreaterThan(1.8);
  });

  test("the hopper starts above the ground with bent joints", async () => {
    const observations = await starts("hopper-stand");
    for (const start of observations) {
      expect(start[0]).toBe(0);
      const knee = (start[4]! * 180) / Math.PI;
      expect(knee).toBeGreaterThanOrEqual(5);
      expect(knee).toBeLessThanOrEqual(150);
      expect(start.subarray(6, 13)).toEqual(new Float64Array(7));
    }
  });

  test("the reacher's target is within reach", async () => {
    const distances = (await starts("reacher-hard")).map((start) => {
      const [shoulder, wrist, dx, dy] = start as unknown as [number, number, number, number];
      const x = 0.12 * Math.cos(shoulder) + 0.12 * Math.cos(shoulder + wrist);
      const y = 0.12 * Math.sin(shoulder) + 0.12 * Math.sin(shoulder + wrist);
      return Math.hypot(x + dx, y + dy);
    });
    expect(Math.min(...distances)).toBeGreaterThan(0.05 - 1e-12);
    expect(Math.max(...distances)).toBeLessThan(0.2 + 1e-12);
    expect(span(distances)).toBeGreaterThan(0.13);
  });

  test("the hard point mass is pulled in directions drawn anew, far from parallel", async () => {
    const hard = await makeEnv("dm_control/point_mass-hard");
    env = hard;
    /** Where the mass is pulled to by full control of one tendon, as a unit vector. */
    const direction = (seed: number, action: number[]) => {
      hard.reset({ seed, state: { qpos: [0, 0], qvel: [0, 0] } });
      const [, , vx, vy] = hard.step(action).observation;
      return [vx! / Math.hypot(vx!, vy!), vy! / Math.hypot(vx!, vy!)];
    };
    const angles = SEEDS.map((seed) => {
      const [first, second] = [direction(seed, [1, 0]), direction(seed, [0, 1])];
      const cosine = first[0]! * second[0]! + first[1]! * second[1]!;
      expect(Math.abs(cosine)).toBeLessThanOrEqual(0.9 + 1e-9);
      return Math.atan2(first[1]!, first[0]!);
    });
    expect(span(angles)).toBeGreaterThan(5.5);
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

  test.for([
    ["hopper-stand", ["standing", "small_control"]],
    ["hopper-hop", ["standing", "hopping"]],
    ["point_mass-easy", ["near_target", "small_control"]],
  ] as const)("of %s are the product of their terms", async ([id, terms]) => {
    env = await makeEnv(`dm_control/${id}`);
    env.reset({ seed: 0 });
    const { info, reward } = env.step(new Array<number>(actionSize(env)).fill(0.5));
    expect(Object.keys(info)).toEqual(terms);
    expect(reward).toBe(Object.values(info).reduce((product, term) => product * term, 1));
  });
});

describe("a model of one's own", () => {
  test("is refused when it lacks what the task reads", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "troupe-model-")), "headless.xml");
    writeFileSync(path, CHEETAH_MJCF.replace('name="torso_subtreelinvel"', ""));
    await expect(makeEnv("dm_control/cheetah-run", { xml_file: path })).rejects.toMatchObject({
      code: "ENV_FAILED",
      message: expect.stringContaining(
        `${path}: the model has no sensor "torso_subtreelinvel"`,
      ) as string,
    });
  });
});

function actionSize({ actionSpace }: Env): number {
  return actionSpace.kind === "box" ? actionSpace.size : 1;
}
