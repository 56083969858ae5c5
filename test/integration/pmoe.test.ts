import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { killPast, records, SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

const DETERMINISTIC = [
  "PointMass-v0",
  ...["-n", "800"],
  ...SMALL,
  ...settings({ deterministic: true, "checkpoint.intervalSteps": 200 }),
];
const MIXTURE = settings({
  "algorithm.policy": "pmoe",
  "pmoe.experts": 3,
  "pmoe.gateLoss": "score",
  "pmoe.entropy": "mixture",
  "pmoe.minProbability": 0.01,
});

async function digestOf(context: TestContext, runDir: string, argv: readonly string[]) {
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  return run.log.find(({ msg }) => msg === "run completed")?.["digest"];
}

const PPO = [
  "InvertedPendulum-v5",
  ...["--algo", "ppo", "-n", "1024"],
  ...settings({
    deterministic: true,
    "algorithm.hidden": "[16,16]",
    "actors.unrollLength": 128,
    "ppo.epochs": 2,
    "learner.threads": 1,
    "evaluation.interval": 0,
    "metrics.logIntervalSeconds": 0.1,
    "algorithm.policy": "pmoe",
    "pmoe.experts": 3,
    "pmoe.gateLoss": "score",
  }),
];

describe("a deterministic run with a mixture of experts", () => {
  // Two processes of some seconds each.
  test("by PPO is the same twice, and says how the experts are used", {
    timeout: 300_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const first = await digestOf(context, runDir, [...PPO, "--name", "first"]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await digestOf(context, runDir, [...PPO, "--name", "second"])).toBe(first);
    const last = records(join(runDir, "first")).at(-1) ?? {};
    expect(last["pmoe/critic_loss"]).toBeGreaterThan(0);
    expect(last["pmoe/gate_entropy"]).toBeGreaterThan(0);
    expect(last["pmoe/gate_entropy"]).toBeLessThanOrEqual(Math.log(3) + 1e-6);
  });

  // Three processes of some seconds each, on a machine that may be busy with other tests.
  test("ends the same when it is killed and resumed, and its policy is exported", {
    timeout: 300_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const argv = [...DETERMINISTIC, ...MIXTURE];
    const whole = await digestOf(context, runDir, [...argv, "--name", "whole"]);
    expect(whole).toMatch(/^[0-9a-f]{64}$/);

    const stopped = startTrain(context, runDir, { argv: [...argv, "--name", "stopped"] });
    const folder = join(runDir, "stopped");
    await killPast(stopped, folder, { step: 400 });
    expect(await digestOf(context, runDir, ["--resume", "stopped"])).toBe(whole);

    const last = records(folder).at(-1) ?? {};
    const shares = [0, 1, 2].map((k) => last[`pmoe/gate_${k}`] ?? 0);
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 3);
    expect(last["pmoe/gate_entropy"]).toBeGreaterThan(0);
    expect(last["pmoe/expert_distance"]).toBeGreaterThan(0);
    expect(last["pmoe/best_3"]).toBeUndefined();

    const exported = spawnSync(process.execPath, ["dist/cli.js", "export", folder], {
      encoding: "utf8",
    });
    expect(exported.status, exported.stderr).toBe(0);
    expect(exported.stdout).toContain("policy.onnx");
  });

  // Two processes of some seconds each.
  test("of one is one of plain SAC", { timeout: 300_000 }, async (context) => {
    const runDir = scratchFolder(context);
    const plain = await digestOf(context, runDir, [...DETERMINISTIC, "--name", "plain"]);
    const one = settings({ "algorithm.policy": "pmoe", "pmoe.experts": 1 });
    expect(await digestOf(context, runDir, [...DETERMINISTIC, ...one, "--name", "one"])).toBe(
      plain,
    );
  });
});
