import { afterEach, describe, expect, test } from "vitest";
import { randomActions } from "../../../src/envs/benchmark.ts";
import type { Env } from "../../../src/envs/env.ts";
import { makeEnv } from "../../../src/envs/registry.ts";
import { RandomStream } from "../../../src/math/random.ts";

const [NQ, NV, HINGES] = [80, 79, 73];
/** Where the observation's parts begin, in the suite's order. */
const [HEIGHTS, UPRIGHT, VELOCITY, ACTIVATION] = [146, 148, 157, 185];

let env: Env | undefined;
afterEach(() => env?.close());

async function open(task: string): Promise<Env> {
  env = await makeEnv(`dm_control/dog-${task}`);
  return env;
}

/** The reset pose, facing along `heading` and moving at `velocity` in the world. */
function standing(heading: number, velocity: readonly [number, number]) {
  const qpos = new Array<number>(NQ).fill(0);
  // The root's position in the model, then its quaternion.
  qpos.splice(0, 3, 0.040403, 0, 0.41522);
  qpos[3] = Math.cos(heading / 2);
  qpos[6] = Math.sin(heading / 2);
  const qvel = new Array<number>(NV).fill(0);
  qvel.splice(0, 2, ...velocity);
  return { qpos, qvel, act: new Array<number>(38).fill(0) };
}

describe("dm_control/dog", () => {
  // Their physics differs in the size of the floor alone: one of them for long is enough.
  test.for([
    ["stand", 50],
    ["walk", 50],
    ["trot", 50],
    ["run", 300],
  ] as const)("%s stays in bounds under %i random actions", async ([task, steps]) => {
    const env = await open(task);
    expect([env.observationSpace.size, env.actionSpace]).toMatchObject([223, { size: 38 }]);
    env.reset({ seed: 4 });
    const rewards = randomActions(env.actionSpace, RandomStream.derive(4, "test"), steps).map(
      (action) => {
        const { observation, reward, terminated } = env.step(action);
        expect(terminated).toBe(false);
        expect(observation.every((x) => Math.abs(x) < 1e5)).toBe(true);
        return reward;
      },
    );
    expect(Math.min(...rewards)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...rewards)).toBeGreaterThan(0);
    expect(Math.max(...rewards)).toBeLessThanOrEqual(1);
  });

  test("starts with any heading, pushed and spun, its muscles at random", async () => {
    const env = await open("stand");
    for (let seed = 0; seed < 5; seed++) {
      const { observation } = env.reset({ seed });
      expect(observation.subarray(0, HINGES).every((angle) => angle === 0)).toBe(true);
      const muscles = observation.subarray(ACTIVATION);
      expect(muscles).toHaveLength(38);
      expect(muscles.every((pull) => Math.abs(pull) <= 1)).toBe(true);
      expect(new Set(muscles).size).toBe(38);
    }
  });

  test("sees its own velocity the same whatever its heading", async () => {
    const env = await open("walk");
    for (const heading of [0, 1, 2.5, -2]) {
      const state = standing(heading, [1.5 * Math.cos(heading), 1.5 * Math.sin(heading)]);
      const { observation } = env.reset({ state });
      expect(observation[VELOCITY]).toBeCloseTo(1.5, 9);
      expect(observation[VELOCITY + 1]).toBeCloseTo(0, 9);
      expect(observation[HEIGHTS]).toBe(0.41522);
      // Torso and pelvis stand straight; the skull's joint is at rest too.
      expect([2, 5, 8].map((i) => observation[UPRIGHT + i])).toEqual([1, 1, 1]);
    }
  });

  test("is rewarded for standing, and for going forward rather than sideways", async () => {
    const env = await open("walk");
    const rest = new Array<number>(38).fill(0);
    const pushed = (velocity: readonly [number, number]) => {
      env.reset({ state: standing(0, velocity) });
      const { reward, info } = env.step(rest);
      return { reward, ...info } as { reward: number; stand: number; move: number };
    };
    const [still, ahead, sideways] = [pushed([0, 0]), pushed([1.5, 0]), pushed([0, 1.5])];
    // Paws have not touched the ground yet: what is left is the floor of that factor.
    expect(still.stand).toBeGreaterThan(0.85);
    expect(still.move).toBeLessThan(0.1);
    expect(ahead.move).toBe(1);
    expect(sideways.move).toBeLessThan(0.2);
    expect(ahead.reward).toBeCloseTo((ahead.stand * (4 + 1)) / 5, 12);
    expect(still.reward).toBeCloseTo((still.stand * (4 * still.move + 1)) / 5, 12);
  });

  test("has less reward while it leans, and nearly none on its back", async () => {
    const env = await open("stand");
    const rest = new Array<number>(38).fill(0);
    const rolled = (angle: number) => {
      const state = standing(0, [0, 0]);
      state.qpos[2] = 0.6;
      state.qpos[3] = Math.cos(angle / 2);
      state.qpos[4] = Math.sin(angle / 2);
      env.reset({ state });
      return env.step(rest).reward;
    };
    const [upright, leaning, upsideDown] = [rolled(0), rolled(1.2), rolled(Math.PI)];
    expect(upright).toBeGreaterThan(0.85);
    expect(leaning).toBeLessThan(upright * 0.8);
    expect(upsideDown).toBeLessThan(0.01);
  });
});
