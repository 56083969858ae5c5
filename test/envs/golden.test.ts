import { describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { type GoldenEpisode, physicsState, readGolden } from "./fixtures.ts";

/** Counts what differs, to the last bit. */
class Differences {
  count = 0;
  compared = 0;

  compare(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
    expect(actual.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) {
      this.compared++;
      if (!Object.is(actual[i], expected[i])) this.count++;
    }
  }
}

function replay(env: Env, episode: GoldenEpisode): Differences {
  const differences = new Differences();
  const start = { qpos: episode.init_qpos, qvel: episode.init_qvel };
  differences.compare(env.reset({ state: start }).observation, episode.obs0);
  for (const [t, action] of episode.actions.entries()) {
    const result = env.step(action);
    differences.compare(result.observation, episode.obs[t]!);
    differences.compare([result.reward], [episode.reward[t]!]);
    differences.compare([Number(result.terminated)], [episode.terminated[t]!]);
    for (const [term, values] of Object.entries(episode.reward_terms)) {
      differences.compare([result.info[`reward_${term}`]!], [values[t]!]);
    }
  }
  const final = [episode.final_time, ...episode.final_qpos, ...episode.final_qvel];
  differences.compare(physicsState(env).subarray(0, final.length), final);
  return differences;
}

describe.for(["half_cheetah", "hopper", "walker2d", "inverted_pendulum"])("%s", (name) => {
  test.for([0, 1])("reproduces recorded episode %i with no differing number", async (index) => {
    const golden = readGolden(name);
    const episode = golden.episodes[index]!;
    const env = await makeEnv(golden.env);
    try {
      const differences = replay(env, episode);
      const terms = Object.keys(episode.reward_terms).length;
      const finalState = 1 + episode.final_qpos.length + episode.final_qvel.length;
      const perStep = golden.obs_dim + 2 + terms;
      expect(differences.compared).toBe(golden.obs_dim + 200 * perStep + finalState);
      expect(differences.count).toBe(0);
    } finally {
      env.close();
    }
  });
});
