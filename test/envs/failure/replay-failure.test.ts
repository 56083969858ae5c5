import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EnvStream } from "../../../src/actors/env-stream.ts";
import { BlackBox } from "../../../src/envs/failure/black-box.ts";
import { type EnvFailure, parseEnvFailure } from "../../../src/envs/failure/env-failure.ts";
import { saveFailure } from "../../../src/envs/failure/failure-folder.ts";
import { replayFailure } from "../../../src/envs/failure/replay-failure.ts";
import { openEnv } from "../../../src/envs/registry.ts";
import { RandomStream } from "../../../src/math/random.ts";

/**
 * A point that drifts at random, in the state or, without snapshots, in a variable of its own; the reward is
 * NaN, or reset throws, once it is far away.
 */
const drifting = (snapshots: boolean, during: "step" | "reset"): string => `
export const env = () => {
  let x = 0, seed = 1;
  const draw = () => (seed = (seed * 48271) % 2147483647) / 2147483647 - 0.5;
  const box = { kind: "box", size: 1, low: Float32Array.of(-9), high: Float32Array.of(9) };
  const observe = () => ({ observation: Float64Array.of(x), info: {} });
  return {
    id: "Drift", observationSpace: box, actionSpace: box, maxEpisodeSteps: Infinity,
    reset(options) {
      if (options?.seed !== undefined) seed = 1 + options.seed;
      else if (${during === "reset"} && Math.abs(x) > 2) throw new Error("too far");
      x = draw();
      return observe();
    },
    step(action) {
      x += 0.1 * action[0] + ${snapshots ? "draw()" : "0.01"};
      const far = ${during === "step"} && Math.abs(x) > 2;
      return { ...observe(), reward: far ? NaN : 1, terminated: Math.abs(x) > 2, truncated: false };
    },
    ${snapshots ? "snapshot: () => ({ x, seed }), restore(s) { ({ x, seed } = s); return observe(); }," : ""}
    close() {},
  };
};
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "troupe-failure-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Acts at random until the environment has failed. */
async function failureOf(id: string, options = {}): Promise<EnvFailure> {
  const env = await openEnv(id, options);
  const blackBox = new BlackBox(BlackBox.allocate());
  const failures: EnvFailure[] = [];
  const stream = new EnvStream({
    ...{ env, actor: 0, index: 0, unrollLength: 8, blackBox },
    onFailure: (message, during) =>
      failures.push({ format: 1, message, during, env: { id, options }, ...blackBox.read() }),
  });
  const random = RandomStream.derive(3, "test");
  const action = new Float32Array(
    stream.env.actionSpace.kind === "box" ? stream.env.actionSpace.size : 1,
  );
  stream.begin(11);
  try {
    while (failures.length === 0) {
      for (let i = 0; i < action.length; i++) action[i] = random.uniformBetween(-1, 1);
      if (stream.advance(action, 0)) stream.nextEpisode();
      if (stream.collected === 8) stream.cut();
    }
  } catch {
    expect(failures).toHaveLength(1);
  }
  env.close();
  return failures[0]!;
}

describe("a saved failure", () => {
  test.for([
    [true, "step"],
    [true, "reset"],
    [false, "step"],
    [false, "reset"],
  ] as const)(
    "with snapshots %s, in a %s, fails again at the same call",
    async ([snapshots, during]) => {
      const file = join(folder, "drift.mjs");
      writeFileSync(file, drifting(snapshots, during));
      const failure = await failureOf(file);
      expect(failure).toMatchObject({ seed: 11, during });
      expect(failure.message).toContain("Drift: ");
      expect(failure.message).toContain("(seed 11, episode ");
      if (during === "step") expect(failure.message).toContain(`at step ${failure.step} (`);
      const saved = saveFailure(join(folder, "env-failures"), failure)!;
      const read = parseEnvFailure(readFileSync(saved, "utf8"), saved);
      expect(read).toEqual(failure);
      const reason = during === "step" ? "reward NaN" : "too far";
      expect(await replayFailure(read)).toMatchObject({
        reproduced: true,
        message: expect.stringContaining(reason),
        step: failure.step,
      });
      // Not with other actions, and not one step earlier.
      const still = { ...failure, actions: failure.actions.map(() => [0]) };
      const early = { ...failure, actions: failure.actions.slice(0, -1), step: failure.step - 1 };
      if (snapshots) expect(await replayFailure(early)).toMatchObject({ reproduced: false });
      if (!snapshots) expect(await replayFailure(still)).toMatchObject({ reproduced: false });
    },
  );

  test("of an episode that does not end fails again", async () => {
    const file = join(folder, "drift.mjs");
    writeFileSync(
      file,
      drifting(true, "step").replace("Infinity", "20").replaceAll("> 2", "> 1e9"),
    );
    const failure = await failureOf(file);
    expect(failure.message).toMatch(
      /^Drift: the episode does not end \(maxEpisodeSteps 20\) at step 20 \(seed 11,/,
    );
    expect(await replayFailure(failure)).toMatchObject({ reproduced: true, step: 20 });
  });

  test("of a long episode starts from a state on its way", async () => {
    const env = await openEnv("PointMass-v0", { dimensions: 300, max_episode_steps: 1000 });
    const blackBox = new BlackBox(BlackBox.allocate());
    blackBox.resetting(5);
    env.reset({ seed: 5 });
    blackBox.started(env);
    const random = RandomStream.derive(4, "test");
    let last: number[] = [];
    for (let i = 0; i < 100; i++) {
      const action = new Float32Array(300).map(() => random.uniformBetween(-1, 1));
      blackBox.stepping(env, action);
      last = [...env.step(action).observation];
      blackBox.returned();
    }
    const { start, actions, step } = blackBox.read();
    // There is room for 24 576 numbers, 81 steps of 300.
    expect([step, start.step, actions.length]).toEqual([100, 81, 19]);
    env.restore?.(start.snapshot!);
    let again: number[] = [];
    for (const action of actions) again = [...env.step(action).observation];
    expect(again).toEqual(last);
    env.close();
  });

  test("is kept twenty times at most", () => {
    const failure: EnvFailure = {
      ...{ format: 1, message: "x", env: { id: "A", options: {} }, seed: 0, episode: 1, step: 2 },
      ...{ during: "step", start: { step: 0, snapshot: null }, actions: [[1]] },
    };
    for (let i = 0; i < 25; i++) saveFailure(folder, failure);
    expect(readdirSync(folder)).toHaveLength(20);
    expect(readdirSync(folder)).toContain("20-step-2.json");
  });

  test.for([
    ["{", "Expected property name"],
    ['{"format": 2}', "is no saved failure"],
  ] as const)("that reads %s is refused", ([text, message]) => {
    expect(() => parseEnvFailure(text, "a.json")).toThrow(message);
  });
});
