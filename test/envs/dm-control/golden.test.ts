import { describe, expect, test } from "vitest";
import { dmControlEntries } from "../../../src/envs/dm-control/tasks.ts";
import type { Env, StartState } from "../../../src/envs/env.ts";
import { describeEnv, makeEnv } from "../../../src/envs/registry.ts";
import { physicsState, readSuiteGolden, type SuiteEpisode, type SuiteGolden } from "../fixtures.ts";

/** Tasks of which there is no recording, most of them outside of the suite's benchmark. */
const UNRECORDED = [
  "cartpole-two_poles",
  "cartpole-three_poles",
  "dog-stand",
  "dog-walk",
  "dog-trot",
  "dog-run",
  "humanoid-run_pure_state",
  "point_mass-hard",
  "swimmer-swimmer15",
].map((task) => `dm_control/${task}`);

const recorded = dmControlEntries
  .map(({ info }) => info.id)
  .filter((id) => !UNRECORDED.includes(id));

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

const startOf = (episode: SuiteEpisode): StartState => ({
  qpos: episode.init_qpos,
  qvel: episode.init_qvel,
  act: episode.init_act,
  time: episode.init_time,
  warmstart: episode.init_qacc_warmstart,
  edits: episode.model_edits,
});

/** "dm_control/ball_in_cup-catch" is kept as ball_in_cup_catch. */
const goldenOf = (id: string): SuiteGolden =>
  readSuiteGolden(id.slice("dm_control/".length).replace("-", "_"));

function replay(env: Env, episode: SuiteEpisode): { observations: number; rewards: number } {
  const [observations, rewards] = [new WorstError(), new WorstError()];
  observations.compare(env.reset({ state: startOf(episode) }).observation, episode.obs0);
  for (const [t, action] of episode.actions.entries()) {
    const { observation, reward, terminated, truncated } = env.step(action);
    observations.compare(observation, episode.obs[t]!);
    rewards.compare([reward], [episode.reward[t]!]);
    expect([terminated, truncated]).toEqual([false, false]);
  }
  const final = [...episode.final_qpos, ...episode.final_qvel];
  observations.compare(physicsState(env).subarray(1, 1 + final.length), final);
  return { observations: observations.value, rewards: rewards.value };
}

// Recorded on the native engine: what remains is the rounding of its square roots and sines, amplified.
describe("the suite's recordings", () => {
  test.for(recorded)("%s is reproduced", async (id) => {
    const golden = goldenOf(id);
    expect(golden.env).toBe(id);
    const env = await makeEnv(id);
    try {
      expect(env.observationSpace.size).toBe(golden.obs_dim);
      expect(env.maxEpisodeSteps).toBe(1000);
      expect(golden.episodes).toHaveLength(2);
      for (const episode of golden.episodes) {
        expect(episode.actions).toHaveLength(100);
        const { observations, rewards } = replay(env, episode);
        expect(observations).toBeLessThan(1e-7);
        expect(rewards).toBeLessThan(1e-9);
        expect(physicsState(env)[0]).toBeCloseTo(100 * (describeEnv(id).dt ?? Number.NaN), 9);
      }
    } finally {
      env.close();
    }
  });

  test.for(recorded)("%s starts alike whatever came before, to the last bit", async (id) => {
    const { episodes } = goldenOf(id);
    const [env, other] = [await makeEnv(id), await makeEnv(id)];
    try {
      const { actions } = episodes[0]!;
      other.reset({ seed: 1 });
      for (const action of actions.slice(0, 10)) other.step(action);
      other.reset({ state: startOf(episodes[1]!) });
      const states = [env, other].map((each) => {
        // Without a warm start: the forward pass has to arrive at the same one.
        const { warmstart: _, ...state } = startOf(episodes[0]!);
        const first = [...each.reset({ seed: each === env ? 2 : 3, state }).observation];
        return [first, [...each.step(actions[0]!).observation], [...physicsState(each)]];
      });
      expect(states[1]).toEqual(states[0]);
    } finally {
      env.close();
      other.close();
    }
  });
});
