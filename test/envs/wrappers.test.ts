import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Env } from "../../src/envs/env.ts";
import { makeEnv, openEnv } from "../../src/envs/registry.ts";
import { actionRepeat } from "../../src/envs/wrappers/action-repeat.ts";
import { actionRescale } from "../../src/envs/wrappers/action-rescale.ts";
import { episodeStatistics } from "../../src/envs/wrappers/episode-statistics.ts";
import { frameStack } from "../../src/envs/wrappers/frame-stack.ts";
import { observationScale } from "../../src/envs/wrappers/observation-scale.ts";
import { rewardScale } from "../../src/envs/wrappers/reward-scale.ts";
import { wrapperNames } from "../../src/envs/wrappers/wrap.ts";
import { envContract } from "./env-contract.ts";

const settings: Readonly<Record<string, unknown>> = {
  time_limit: 15,
  action_repeat: 2,
  frame_stack: 3,
  action_rescale: [-3, 5],
  observation_scale: { mean: [0.1, -0.2], scale: 2, clip: 1.5 },
  reward_scale: { scale: 0.1, shift: -1, clip: [-1.05, 0] },
  episode_statistics: true,
};

test("each wrapper that there is has a setting here", () => {
  // A point has no camera: test/envs/pixels.test.ts.
  const others = wrapperNames.filter((name) => name !== "pixels");
  expect(Object.keys(settings).toSorted()).toEqual(others.toSorted());
});

for (const [name, setting] of Object.entries(settings)) {
  envContract(`${name} around PointMass-v0`, () =>
    makeEnv("PointMass-v0", { wrappers: [{ [name]: setting }] }),
  );
}
const everything = { ...settings, observation_scale: { mean: 0.1, scale: 2 } };
envContract("all wrappers around PointMass-v0", () =>
  makeEnv("PointMass-v0", {
    wrappers: Object.entries(everything).map(([name, setting]) => ({ [name]: setting })),
  }),
);

describe("a wrapper", () => {
  let [plain, wrapped]: Env[] = [];
  beforeEach(async () => {
    plain = await makeEnv("PointMass-v0");
    plain.reset({ seed: 4 });
  });
  afterEach(() => {
    plain!.close();
    wrapped!.close();
  });

  const start = async (wrap: (env: Env) => Env): Promise<Env> => {
    wrapped = wrap(await makeEnv("PointMass-v0"));
    return wrapped;
  };
  const stepPlain = (action: readonly number[]) => {
    const { observation, reward, truncated } = plain!.step(action);
    return { observation: [...observation], reward, truncated };
  };

  test("that repeats actions adds their rewards up and stops with the episode", async () => {
    const env = await start((inner) => actionRepeat(inner, 3));
    env.reset({ seed: 4 });
    expect(env.maxEpisodeSteps).toBe(7); // of 20
    for (let i = 0; i < 6; i++) {
      const steps = [1, 2, 3].map(() => stepPlain([0.5, -0.5]));
      const result = env.step([0.5, -0.5]);
      expect([...result.observation]).toEqual(steps[2]!.observation);
      expect(result.reward).toBe(steps.reduce((sum, { reward }) => sum + reward, 0));
      expect(result.truncated).toBe(false);
    }
    const [first, second] = [stepPlain([0, 0]), stepPlain([0, 0])];
    const last = env.step([0, 0]);
    expect(second.truncated).toBe(true);
    expect(last.truncated).toBe(true);
    expect(last.reward).toBe(first.reward + second.reward);
  });

  test("that stacks observations shows the oldest first, and the first for those before it", async () => {
    const env = await start((inner) => frameStack(inner, 3));
    const first = [...plain!.reset({ seed: 5 }).observation];
    expect([...env.reset({ seed: 5 }).observation]).toEqual([...first, ...first, ...first]);
    const second = stepPlain([1, 0]).observation;
    expect([...env.step([1, 0]).observation]).toEqual([...first, ...first, ...second]);
    const third = stepPlain([0, 1]).observation;
    expect([...env.step([0, 1]).observation]).toEqual([...first, ...second, ...third]);
    const fourth = stepPlain([0, 1]).observation;
    expect([...env.step([0, 1]).observation]).toEqual([...second, ...third, ...fourth]);
    expect(env.observationSpace).toMatchObject({ size: 6, low: new Float32Array(6).fill(-1) });
  });

  test("that rescales actions maps its bounds to the environment's", async () => {
    const env = await start((inner) => actionRescale(inner, [0, 10]));
    env.reset({ seed: 4 });
    expect(env.actionSpace).toMatchObject({ low: Float32Array.of(0, 0) });
    for (const [outer, inner] of [
      [0, -1],
      [10, 1],
      [5, 0],
      [7.5, 0.5],
    ] as const) {
      const expected = stepPlain([inner, inner]);
      expect([...env.step([outer, outer]).observation]).toEqual(expected.observation);
    }
  });

  test("that scales observations shifts first, and clips last, its bounds as well", async () => {
    const env = await start((inner) =>
      observationScale(inner, { mean: [0.5, 0], scale: [2, 10], clip: 4 }),
    );
    const expected = (o: readonly number[]) => [
      2 * (o[0]! - 0.5),
      Math.max(-4, Math.min(10 * o[1]!, 4)),
    ];
    const first = [...plain!.reset({ seed: 6 }).observation];
    expect([...env.reset({ seed: 6 }).observation]).toEqual(expected(first));
    const { observation } = stepPlain([-1, 1]);
    expect([...env.step([-1, 1]).observation]).toEqual(expected(observation));
    const { low, high } = env.observationSpace;
    expect([...low, ...high]).toEqual([-3, -4, 1, 4]);
  });

  test("that scales rewards shifts after scaling, and clips last", async () => {
    const env = await start((inner) =>
      rewardScale(inner, { scale: 10, shift: 1, clip: [-2, 0.5] }),
    );
    env.reset({ seed: 4 });
    for (let i = 0; i < 10; i++) {
      const { reward } = stepPlain([-0.3, 0.2]);
      const scaled = Math.max(-2, Math.min(10 * reward + 1, 0.5));
      expect(env.step([-0.3, 0.2]).reward).toBe(scaled);
    }
  });

  test("that counts says return and length so far, anew in each episode", async () => {
    const env = await start(episodeStatistics);
    for (const seed of [1, 2]) {
      env.reset({ seed });
      let total = 0;
      for (let step = 1; step <= 3; step++) {
        const { reward, info } = env.step([0.1, 0]);
        total += reward;
        expect(info).toMatchObject({ episode_return: total, episode_length: step });
      }
    }
  });

  test("around a task of the Control Suite draws, and goes on after a snapshot", async () => {
    const options = { wrappers: [{ action_repeat: 2 }, { frame_stack: 2 }] };
    const env = await openEnv("dm_control/cartpole-balance", options);
    wrapped = env;
    expect(env.maxEpisodeSteps).toBe(500);
    expect(env.cameras!.length).toBeGreaterThan(0);
    env.reset({ seed: 1 });
    env.step([0.3]);
    const saved = JSON.parse(JSON.stringify(env.snapshot!())) as Record<string, unknown>;
    const after = [...env.step([0.5]).observation];
    env.reset({ seed: 2 });
    env.restore!(saved);
    expect([...env.step([0.5]).observation]).toEqual(after);
    expect(() => env.restore!({ ...saved, frames: "AAAA" })).toThrow("no snapshot of dm_control");
  });
});

test("the option action_repeat is short for a first wrapper", async () => {
  const short = await openEnv("PointMass-v0", { action_repeat: 4, wrappers: [{ time_limit: 3 }] });
  const long = await makeEnv("PointMass-v0", {
    wrappers: [{ action_repeat: 4 }, { time_limit: 3 }],
  });
  for (const env of [short, long]) env.reset({ seed: 1 });
  const ends = [1, 2, 3].map(() => {
    const { reward, truncated } = short.step([0.1, 0.2]);
    expect(long.step([0.1, 0.2])).toMatchObject({ reward, truncated });
    return truncated;
  });
  expect(ends).toEqual([false, false, true]);
  expect(short.maxEpisodeSteps).toBe(3);
  for (const env of [short, long]) env.close();
});

test.each([
  [{ action_repeat: 2 }, "wrappers: is no list"],
  [[2], "wrappers[0]: is no object of one name"],
  [[{ action_repeat: 2, time_limit: 4 }], "wrappers[0]: is no object of one name"],
  [
    [{ time_limit: 5 }, { actionrepeat: 2 }],
    'wrappers[1]: there is no wrapper "actionrepeat" (did you mean action_repeat?)',
  ],
  [[{ sleep: 2 }], 'wrappers[0]: there is no wrapper "sleep"; there are time_limit, '],
  [[{ action_repeat: 0 }], "wrappers[0].action_repeat: must be above 0, not 0"],
  [[{ frame_stack: 2.5 }], "wrappers[0].frame_stack: must be a whole number, not 2.5"],
  [
    [{ action_rescale: 2 }],
    "wrappers[0].action_rescale: must be two numbers, such as [-1, 1], not 2",
  ],
  [[{ reward_scale: { scale: "x" } }], 'wrappers[0].reward_scale: scale must be a number, not "x"'],
  [[{ reward_scale: { factor: 1 } }], 'wrappers[0].reward_scale: has no "factor"'],
  [
    [{ observation_scale: { mean: "x" } }],
    'mean must be a number, or a list with one for each, not "x"',
  ],
  [[{ episode_statistics: false }], "wrappers[0].episode_statistics: must be true, not false"],
  [
    [{ observation_scale: { mean: [1] } }],
    "wrappers[0].observation_scale: mean has 1 numbers, an observation 2",
  ],
  [[{ action_rescale: [1, -1] }], "wrappers[0].action_rescale: actions from 1 to -1"],
  [[{ reward_scale: { clip: [1, 0] } }], "wrappers[0].reward_scale: rewards clipped to 1 and 0"],
])("wrappers that cannot be are refused: %j", async (wrappers, message) => {
  await expect(makeEnv("PointMass-v0", { wrappers })).rejects.toThrow(message);
});

test.each([
  [{ action_repeat: 2.5 }, "PointMass-v0: action_repeat: must be a whole number, not 2.5"],
  [{ pixels: "big" }, 'PointMass-v0: pixels: must be a mapping, not "big"'],
  [{ action_repeat: 2, wrappers: [{ time_limit: 0 }] }, "wrappers[0].time_limit: must be above 0"],
])("a setting that cannot be is named as it was written: %j", async (options, message) => {
  await expect(makeEnv("PointMass-v0", options)).rejects.toThrow(message);
});

test.each([
  [[{ pixels: 16 }, { action_repeat: 2 }], "{pixels: {repeat: 2}}"],
  [[{ pixels: 16 }, { pixels: 16 }], "there is a camera around it already"],
  [
    [{ pixels: 16 }, { frame_stack: 2 }],
    "a camera's frames are stacked by the option of the camera",
  ],
])("around a camera nothing may break the order of its frames: %j", async (wrappers, message) => {
  const made = makeEnv("dm_control/cartpole-balance", { wrappers });
  await expect(made).rejects.toThrow(message);
});
