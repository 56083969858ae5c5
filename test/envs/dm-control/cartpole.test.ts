import { afterEach, describe, expect, test } from "vitest";
import type { Env } from "../../../src/envs/env.ts";
import { makeEnv } from "../../../src/envs/registry.ts";
import { physicsState, readGolden } from "../fixtures.ts";

const tasks = ["balance", "balance_sparse", "swingup", "swingup_sparse"] as const;

let env: Env | undefined;
afterEach(() => env?.close());

async function open(id: string): Promise<Env> {
  env = await makeEnv(id);
  return env;
}

/** The largest |difference| / (1 + |expected|) so far. */
class WorstError {
  value = 0;

  compare(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
    expect(actual.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) {
      const error = Math.abs(actual[i]! - expected[i]!) / (1 + Math.abs(expected[i]!));
      // NaN must not pass.
      if (!(error <= this.value)) this.value = error;
    }
  }
}

describe("dm_control/cartpole", () => {
  // Recorded on the native engine: what remains is the rounding of its square roots and sines.
  test.for(tasks.flatMap((task) => [0, 1].map((index) => [task, index] as const)))(
    "%s reproduces recorded episode %i",
    async ([task, index]) => {
      const golden = readGolden(`cartpole_${task}`);
      const { init_qpos, init_qvel, init_qacc_warmstart, ...episode } = golden.episodes[index]!;
      const env = await open(golden.env);
      const [observations, rewards] = [new WorstError(), new WorstError()];
      const start = { qpos: init_qpos, qvel: init_qvel, warmstart: init_qacc_warmstart! };
      observations.compare(env.reset({ state: start }).observation, episode.obs0);
      for (const [t, action] of episode.actions.entries()) {
        const { observation, reward, terminated } = env.step(action);
        observations.compare(observation, episode.obs[t]!);
        rewards.compare([reward], [episode.reward[t]!]);
        expect(terminated).toBe(false);
      }
      const final = [...episode.final_qpos, ...episode.final_qvel];
      observations.compare(physicsState(env).subarray(1, 1 + final.length), final);
      expect(episode.actions).toHaveLength(100);
      expect(observations.value).toBeLessThan(1e-10);
      expect(rewards.value).toBeLessThan(1e-12);
    },
  );

  test("lasts 1000 steps and is then cut off, not over", async () => {
    const env = await open("dm_control/cartpole-swingup_sparse");
    env.reset({ seed: 0 });
    for (let t = 1; t < 1000; t++) expect(env.step([0]).truncated).toBe(false);
    expect(env.step([0])).toMatchObject({ truncated: true, terminated: false });
  });

  test("hangs at the start of a swing-up, and stands at the start of balancing", async () => {
    const swingUp = await open("dm_control/cartpole-swingup");
    const balance = await makeEnv("dm_control/cartpole-balance");
    try {
      for (let seed = 0; seed < 50; seed++) {
        const [x, cosine, sine] = swingUp.reset({ seed }).observation;
        expect(Math.abs(x!)).toBeLessThan(0.06);
        expect(cosine).toBeLessThan(-0.99);
        expect(Math.abs(sine!)).toBeLessThan(0.06);
        const start = balance.reset({ seed }).observation;
        expect(Math.abs(start[0]!)).toBeLessThan(0.1);
        expect(start[1]).toBeGreaterThanOrEqual(Math.cos(0.034));
      }
    } finally {
      balance.close();
    }
  });

  test("names the terms of a reward, which multiply to it", async () => {
    const env = await open("dm_control/cartpole-balance");
    env.reset({ seed: 1 });
    const { info, reward } = env.step([0.7]);
    const { upright, centered, small_control, small_velocity } = info;
    expect(small_control).toBeCloseTo((4 + 1 - 0.49) / 5, 12);
    expect(upright! * centered! * small_control! * small_velocity!).toBeCloseTo(reward, 12);
  });
});
