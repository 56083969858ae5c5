import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { exportRun } from "../../src/learner/export-run.ts";
import { loadPolicy } from "../../src/learner/load-policy.ts";
import { evaluateRun } from "../../src/run/evaluate-run.ts";
import { killPast, records, scratchFolder, settings, startTrain } from "./train-process.ts";

const ARGV = [
  ...["dm_control/cartpole-balance", "--preset", "pixels-small", "-n", "500"],
  ...settings({
    "env.options.pixels": "{size: 16, stack: 2}",
    "algorithm.hidden": "[16,16]",
    "algorithm.batchSize": 8,
    "algorithm.learningStarts": 100,
    "drqv2.channels": 4,
    "drqv2.strides": "[2,1]",
    "drqv2.featureSize": 8,
    "drm.perturbInterval": 60,
    "actors.unrollLength": 8,
    "replay.capacity": 400,
    "evaluation.interval": 0,
    "learner.threads": 1,
    "metrics.logIntervalSeconds": 0.2,
  }),
];

async function finish(context: TestContext, runDir: string, argv: readonly string[]) {
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  return run.log.find(({ msg }) => msg === "run completed");
}

describe("a run on pixels", () => {
  // Three processes of some seconds each, on a machine that may be busy with other tests.
  test("ends the same when it is killed and resumed in the deterministic mode, and can be evaluated and exported", {
    timeout: 400_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const argv = [...ARGV, ...settings({ deterministic: true, "checkpoint.intervalSteps": 100 })];
    const whole = await finish(context, runDir, [...argv, "--name", "whole"]);
    expect(whole?.["digest"]).toMatch(/^[0-9a-f]{64}$/);

    const killed = startTrain(context, runDir, { argv: [...argv, "--name", "killed"] });
    const folder = join(runDir, "killed");
    await killPast(killed, folder, { step: 300 });
    const resumed = await finish(context, runDir, ["--resume", "killed"]);
    expect(resumed?.["digest"]).toBe(whole?.["digest"]);
    const last = records(folder).at(-1);
    // One update for every second step after the random ones; the last unroll ends after step 500.
    expect(last?.["train/n_updates"]).toBeGreaterThanOrEqual(200);
    expect(last?.["train/n_updates"]).toBeLessThanOrEqual(204);
    expect(last?.["drm/perturbations"]).toBe(3);

    const evaluation = await evaluateRun(folder, { episodes: 1 });
    expect(evaluation.episode_lengths).toEqual([250]);
    const exported = await exportRun(folder);
    expect(exported.maxDifference).toBeLessThan(1e-5);
    await using policy = await loadPolicy(exported.path);
    expect(policy.observationSize).toBe(2 * 3 * 16 * 16);
  });
});
