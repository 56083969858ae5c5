import { describe, expect, test } from "vitest";
import type { Env, Observation, StepInfo } from "../../src/envs/env.ts";
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
      // Adding 0 turns -0, which the recordings' JSON cannot hold, into 0.
      if (!Object.is(actual[i]! + 0, expected[i]!)) this.count++;
    }
  }
}

/** Recordings of long observations keep all of some steps, the first numbers of others, and the sums of each. */
function compareObservation(
  differences: Differences,
  observation: Observation,
  { episode, t }: { episode: GoldenEpisode; t: number },
): void {
  const whole = episode.obs?.[t] ?? episode.obs_full?.[t + 1];
  const head = episode.obs_head?.[t + 1];
  const sums = episode.obs_sum_abs?.[t];
  if (whole) differences.compare(observation, whole);
  if (head) differences.compare(observation.subarray(0, head.length), head);
  if (sums) {
    let [sum, absolute] = [0, 0];
    for (const x of observation) {
      sum += x;
      absolute += Math.abs(x);
    }
    differences.compare([sum, absolute], sums);
  }
}

function replay(env: Env, episode: GoldenEpisode): Differences {
  const differences = new Differences();
  const start = { qpos: episode.init_qpos, qvel: episode.init_qvel };
  differences.compare(env.reset({ state: start }).observation, episode.obs0);
  for (const [t, action] of episode.actions.entries()) {
    const result = env.step(action);
    compareObservation(differences, result.observation, { episode, t });
    differences.compare([result.reward], [episode.reward[t]!]);
    differences.compare([Number(result.terminated)], [episode.terminated[t]!]);
    for (const [term, values] of Object.entries(episode.reward_terms)) {
      differences.compare([termOf(result.info, term)], [values[t]!]);
    }
  }
  const final = [episode.final_time, ...episode.final_qpos, ...episode.final_qvel];
  differences.compare(physicsState(env).subarray(0, final.length), final);
  return differences;
}

/** Recorded terms add up to the reward; info calls two of them penalties. */
function termOf(info: StepInfo, term: string): number {
  return info[`reward_${term}`] ?? info[`${term}_penalty`] ?? Number.NaN;
}

/** Numbers the recording has of the episode. */
function countOf(episode: GoldenEpisode): number {
  const observations = [
    episode.obs0,
    ...(episode.obs ?? []),
    ...Object.values(episode.obs_full ?? {}),
    ...Object.values(episode.obs_head ?? {}),
    ...(episode.obs_sum_abs ?? []),
  ].flat().length;
  const perStep = 2 + Object.keys(episode.reward_terms).length;
  const finalState = 1 + episode.final_qpos.length + episode.final_qvel.length;
  return observations + episode.actions.length * perStep + finalState;
}

describe.for([
  "half_cheetah",
  "hopper",
  "walker2d",
  "ant",
  "humanoid",
  "humanoidstandup",
  "swimmer",
  "reacher",
  "pusher",
  "inverted_pendulum",
  "inverted_double_pendulum",
])("%s", (name) => {
  test.for([0, 1])("reproduces recorded episode %i with no differing number", async (index) => {
    const golden = readGolden(name);
    const episode = golden.episodes[index]!;
    // Recorded beyond the time limit of some tasks.
    const env = await makeEnv(golden.env, { max_episode_steps: 1000 });
    try {
      const differences = replay(env, episode);
      expect(episode.actions).toHaveLength(200);
      expect(differences.compared).toBe(countOf(episode));
      expect(differences.count).toBe(0);
    } finally {
      env.close();
    }
  });
});
