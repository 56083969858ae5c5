import { describe, expect, test } from "vitest";
import { describeEnv, listEnvs, makeEnv, openEnv } from "../../src/envs/registry.ts";

const countdown = new URL("../fixtures/envs/files/countdown.mjs", import.meta.url).pathname;

describe("the registry", () => {
  test.for([
    ["HalfCheetah-v5", 17, 6, 1, 0.05, 1000, 4800],
    ["Hopper-v5", 11, 3, 1, 0.008, 1000, 3800],
    ["Walker2d-v5", 17, 6, 1, 0.008, 1000, null],
    ["Ant-v5", 105, 8, 1, 0.05, 1000, 6000],
    ["Humanoid-v5", 348, 17, 0.4, 0.015, 1000, null],
    ["HumanoidStandup-v5", 348, 17, 0.4, 0.015, 1000, null],
    ["Swimmer-v5", 8, 2, 1, 0.04, 1000, 360],
    ["Reacher-v5", 10, 2, 1, 0.02, 50, -3.75],
    ["Pusher-v5", 23, 7, 2, 0.05, 100, 0],
    ["InvertedPendulum-v5", 4, 1, 3, 0.04, 1000, 950],
    ["InvertedDoublePendulum-v5", 9, 1, 1, 0.05, 1000, 9100],
    ["HalfCheetah-v4", 17, 6, 1, 0.05, 1000, 4800],
    ["Hopper-v4", 11, 3, 1, 0.008, 1000, 3800],
    ["Walker2d-v4", 17, 6, 1, 0.008, 1000, null],
    ["Ant-v4", 27, 8, 1, 0.05, 1000, 6000],
    ["Humanoid-v4", 376, 17, 0.4, 0.015, 1000, null],
    ["HumanoidStandup-v4", 376, 17, 0.4, 0.015, 1000, null],
    ["Swimmer-v4", 8, 2, 1, 0.04, 1000, 360],
    ["Reacher-v4", 11, 2, 1, 0.02, 50, -3.75],
    ["Pusher-v4", 23, 7, 2, 0.05, 100, 0],
    ["InvertedPendulum-v4", 4, 1, 3, 0.04, 1000, 950],
    ["InvertedDoublePendulum-v4", 11, 1, 1, 0.05, 1000, 9100],
    ["dm_control/cartpole-balance", 5, 1, 1, 0.01, 1000, null],
    ["dm_control/cartpole-balance_sparse", 5, 1, 1, 0.01, 1000, null],
    ["dm_control/cartpole-swingup", 5, 1, 1, 0.01, 1000, null],
    ["dm_control/cartpole-swingup_sparse", 5, 1, 1, 0.01, 1000, null],
  ] as const)("makes %s as its suite describes it", async (row) => {
    const [id, observations, actions, bound, dt, limit, rewardThreshold] = row;
    const env = await makeEnv(id);
    expect(env).toMatchObject({ id, maxEpisodeSteps: limit });
    expect(env.observationSpace.size).toBe(observations);
    expect(env.actionSpace).toEqual({
      kind: "box",
      size: actions,
      low: new Float32Array(actions).fill(-bound),
      high: new Float32Array(actions).fill(bound),
    });
    expect(describeEnv(id)).toMatchObject({ dt, maxEpisodeSteps: limit, rewardThreshold });
    env.close();
  });

  test("lists every environment once, with words for its reward, source and options", () => {
    const infos = listEnvs();
    expect(new Set(infos.map(({ id }) => id)).size).toBe(infos.length);
    for (const { rewardTerms, source, options } of infos) {
      expect(rewardTerms).not.toBe("");
      expect(source).not.toBe("");
      for (const { description } of options) expect(description).not.toBe("");
    }
  });

  test.for([
    ["HalfCheeta-v5", 'did you mean "HalfCheetah-v5"?'],
    ["halfcheetah", 'did you mean "HalfCheetah-v5" or "HalfCheetah-v4"?'],
    ["Walker3d", 'did you mean "Walker2d-v5"'],
    ["Ant-v3", 'did you mean "Ant-v5" or "Ant-v4"?'],
    ["Ant", 'did you mean "Ant-v5" or "Ant-v4"?'],
    ["cheetah-run", 'did you mean "dm_control/cheetah-run"?'],
    ["cheetah_run", 'did you mean "dm_control/cheetah-run"?'],
    ["dm_control/cheeta-run", 'did you mean "dm_control/cheetah-run"?'],
    ["swingup", 'did you mean "dm_control/acrobot-swingup" or'],
    ["Breakout", "`troupe env list` shows those there are"],
    ["", "`troupe env list` shows those there are"],
    ["robot.xml", "a model alone is no task"],
    ["task.py", "external/NAME"],
    ["./task", "named by its file"],
  ] as const)("tells for %s what was probably meant", async ([id, advice]) => {
    await expect(makeEnv(id)).rejects.toMatchObject({
      code: "ENV_UNKNOWN",
      message: expect.stringContaining(advice),
    });
  });

  test("opens a file that defines an environment, with its options", async () => {
    const env = await openEnv(countdown, { steps: 2 });
    env.reset();
    expect(env.step([0.5])).toMatchObject({ reward: 0.5, terminated: false });
    expect(env.step([0.5])).toMatchObject({ terminated: true });
  });
});
