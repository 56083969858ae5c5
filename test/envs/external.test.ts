import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { train, trainCluster } from "../../dist/index.js";
import { openEnv } from "../../src/envs/registry.ts";
import { evaluateRun } from "../../src/run/evaluate-run.ts";

const sizes = { observation_size: 3, action_low: [-2, -1], action_high: [2, 1] };

describe("an environment that only actors elsewhere have", () => {
  test("is known by its sizes", async () => {
    const env = await openEnv("external/Reacher", { ...sizes, max_episode_steps: 50 });
    expect(env.id).toBe("external/Reacher");
    expect(env.observationSpace.size).toBe(3);
    expect(env.actionSpace).toEqual({
      kind: "box",
      size: 2,
      low: Float32Array.of(-2, -1),
      high: Float32Array.of(2, 1),
    });
    expect(env.maxEpisodeSteps).toBe(50);
  });

  test("cannot be stepped here", async () => {
    const env = await openEnv("external/Reacher", sizes);
    expect(() => env.reset()).toThrow(
      "external/Reacher can only be stepped by actors that have it",
    );
  });

  test.each([
    [{}, "observation_size"],
    [{ ...sizes, action_high: [2] }, "as many numbers"],
    [{ ...sizes, action_high: [2, -1] }, "each low below its high"],
    [{ ...sizes, action_size: 3 }, 'no option "action_size"'],
  ])("with the options %j is refused", async (options, message) => {
    await expect(openEnv("external/Reacher", options)).rejects.toThrow(message);
  });

  test.each([{ action_repeat: 2 }, { pixels: {} }, { wrappers: [{ time_limit: 5 }] }])(
    "has nothing put around it here: %j",
    async (wrapper) => {
      await expect(openEnv("external/Reacher", { ...sizes, ...wrapper })).rejects.toThrow(
        "leave out wrappers, action_repeat and pixels",
      );
    },
  );

  test("has no evaluation here, and says where there is one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "troupe-external-"));
    try {
      writeFileSync(join(folder, "config.yaml"), "env: { id: external/Reacher }\n");
      await expect(evaluateRun(folder, { episodes: 1 })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(/^external\/Reacher is stepped by actors elsewhere.*export/),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("is refused where this process would have to step it, with what to do", async () => {
    const env = { id: "external/Reacher", options: sizes };
    await expect(train({ env })).rejects.toThrow("use `troupe learner`");
    await expect(trainCluster({ env })).rejects.toThrow("set evaluation.interval to 0");
    const evaluation = { interval: 0 };
    await expect(trainCluster({ env, evaluation, cluster: { localActors: 2 } })).rejects.toThrow(
      "cluster.localActors is 2, but only actors elsewhere have it; set it to 0",
    );
  });
});
