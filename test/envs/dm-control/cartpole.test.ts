import { afterEach, describe, expect, test } from "vitest";
import type { Env } from "../../../src/envs/env.ts";
import { makeEnv } from "../../../src/envs/registry.ts";

let env: Env | undefined;
afterEach(() => env?.close());

async function open(id: string): Promise<Env> {
  env = await makeEnv(id);
  return env;
}

describe("dm_control/cartpole", () => {
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
