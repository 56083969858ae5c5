import { describe, expect, test } from "vitest";
import { EnvStream } from "../../src/actors/env-stream.ts";
import { type Fault, FaultyEnv } from "./faulty-env.ts";

function open(maxEpisodeSteps: number, faults: readonly (readonly [number, Fault])[] = []) {
  const env = new FaultyEnv(maxEpisodeSteps, faults);
  const stream = new EnvStream({ env, actor: 2, index: 1, unrollLength: 4 });
  stream.begin(0);
  return { env, stream };
}

const action = Float32Array.of(-1, 1);

describe("EnvStream", () => {
  test("cuts an unroll of T steps and T + 1 observations", () => {
    const { stream } = open(100);
    for (let t = 0; t < 4; t++) expect(stream.advance(action, t - 1)).toBeUndefined();
    expect(stream.cut()).toEqual({
      actor: 2,
      env: 1,
      length: 4,
      observations: Float32Array.of(0, 1, 2, 3, 4),
      actions: Float32Array.of(-1, 1, -1, 1, -1, 1, -1, 1),
      rewards: Float32Array.of(1, 1, 1, 1),
      terminated: new Uint8Array(4),
      truncated: new Uint8Array(4),
      policyVersions: Int32Array.of(-1, 0, 1, 2),
    });
    expect(stream.cut()).toBeUndefined();
  });

  test("keeps the true final observation of an episode, and starts the next unroll with the next", () => {
    const { stream } = open(2);
    stream.advance(action, 0);
    expect(stream.advance(action, 0)).toEqual({
      env: 1,
      outcome: "truncated",
      episodeReturn: 2,
      episodeLength: 2,
    });
    const last = stream.cut();
    stream.nextEpisode();
    expect(last?.observations).toEqual(Float32Array.of(0, 1, 2));
    expect(last?.truncated).toEqual(Uint8Array.of(0, 1));
    stream.advance(action, 0);
    expect(stream.cut()?.observations).toEqual(Float32Array.of(0, 1));
  });

  test("scales actions from [-1, 1] to the environment's bounds", () => {
    const { env, stream } = open(10);
    stream.advance(Float32Array.of(-1, 0.5), 0);
    expect(env.actions).toEqual([[-3, 0]]);
  });

  test.each<[Fault, RegExp]>([
    ["throw", /the task's own bug/],
    ["nan-reward", /reward NaN/],
    ["nan-observation", /observation\[0\] NaN/],
    [
      "async",
      /a promise instead of a result \(it cannot be async\) at step 3 \(seed 0, episode 1\)/,
    ],
    ["no-flag", /truncated undefined, no boolean at step 3/],
    ["endless", /the episode does not end \(maxEpisodeSteps 3\) at step 3 \(seed 0,/],
  ])("ends the episode as failed on %s, and the step reaches no unroll", (fault, reason) => {
    const { stream } = open(3, [[3, fault]]);
    stream.advance(action, 0);
    stream.advance(action, 0);
    const end = stream.advance(action, 0);
    expect(end).toMatchObject({ outcome: "failed", episodeLength: 2, episodeReturn: 2 });
    expect(end?.reason).toMatch(reason);
    const unroll = stream.cut();
    expect(unroll?.observations).toEqual(Float32Array.of(0, 1, 2));
    expect([...(unroll?.terminated ?? []), ...(unroll?.truncated ?? [])]).toEqual([0, 0, 0, 0]);
  });

  test("gives up an environment that fails ten episodes in a row", () => {
    const faults = Array.from({ length: 10 }, (_, i): [number, Fault] => [i + 1, "throw"]);
    const { stream } = open(100, faults);
    for (let i = 0; i < 9; i++) {
      expect(stream.advance(action, 0)?.outcome).toBe("failed");
      stream.nextEpisode();
    }
    expect(() => stream.advance(action, 0)).toThrow(/10 episodes in a row failed/);
  });
});
