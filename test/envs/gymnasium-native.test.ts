import { describe, expect, test } from "vitest";
import type { StepInfo } from "../../src/envs/env.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { readNative } from "./fixtures.ts";

/** The largest |difference| / (1 + |expected|). */
function worstError(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (const [i, value] of expected.entries()) {
    const error = Math.abs(actual[i]! - value) / (1 + Math.abs(value));
    // NaN must not pass.
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

const episodes = readNative().map((episode, index) => ({ index, ...episode }));

// Rounding of the native engine, amplified by 20 steps of contacts.
const TOLERANCE = 1e-8;

describe("Gymnasium itself, on the native engine,", () => {
  test.for(episodes)("agrees with $env under $options (episode $index)", async (episode) => {
    const env = await makeEnv(episode.env, episode.options);
    try {
      const state = { qpos: episode.init_qpos, qvel: episode.init_qvel };
      let worst = worstError(env.reset({ state }).observation, episode.obs0);
      let info: StepInfo = {};
      for (const [t, action] of episode.actions.entries()) {
        const result = env.step(action);
        const { observation, reward, terminated } = result;
        info = result.info;
        const expected = episode.obs_full[t + 1];
        if (expected) worst = Math.max(worst, worstError(observation, expected));
        worst = Math.max(worst, worstError([reward], [episode.reward[t]!]));
        expect(Number(terminated)).toBe(episode.terminated[t]);
      }
      if (episode.info) {
        const names = Object.keys(episode.info);
        expect(Object.keys(info).toSorted()).toEqual(names.toSorted());
        const values = names.map((name) => info[name] ?? Number.NaN);
        worst = Math.max(worst, worstError(values, Object.values(episode.info)));
      }
      expect(episode.actions).toHaveLength(20);
      expect(Object.keys(episode.obs_full)).toHaveLength(5);
      expect(worst).toBeLessThan(TOLERANCE);
    } finally {
      env.close();
    }
  });
});
