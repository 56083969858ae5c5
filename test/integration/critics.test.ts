import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { killPast, records, SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

const TOTAL_STEPS = 800;
const ARGV = [
  "PointMass-v0",
  ...["-n", String(TOTAL_STEPS)],
  ...SMALL,
  ...settings({
    deterministic: true,
    "algorithm.critic": "c51",
    "algorithm.criticSupport.atoms": 21,
    "algorithm.network.policy.architecture": "simba",
    "algorithm.network.critic.norm": "layer",
    "replay.sampling": "prioritized",
    "checkpoint.intervalSteps": 200,
  }),
];

async function digestOf(context: TestContext, runDir: string, argv: readonly string[]) {
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  return run.log.find(({ msg }) => msg === "run completed")?.["digest"];
}

describe("a deterministic run with all guards of a critic's", () => {
  // Three processes of some seconds each.
  test("ends the same when it is resumed, and says how smooth its critics are", {
    timeout: 300_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const guards = settings({
      deterministic: true,
      "algorithm.critic": "hl-gauss",
      "algorithm.criticSupport.atoms": 21,
      "algorithm.criticSupport.probabilities": "stablemax",
      "algorithm.orthogonalGradients": "all",
      "algorithm.network.critic.spectralNorm": 1,
      "algorithm.robust.weight": 0.1,
      "drm.enabled": true,
    });
    const argv = (steps: number, name: string) => [
      ...["PointMass-v0", "-n", String(steps), "--name", name],
      ...SMALL,
      ...guards,
    ];
    const whole = await digestOf(context, runDir, argv(400, "whole"));
    expect(whole).toMatch(/^[0-9a-f]{64}$/);
    await digestOf(context, runDir, argv(240, "resumed"));
    expect(await digestOf(context, runDir, ["--resume", "resumed", "-n", "400"])).toBe(whole);
    const last = records(join(runDir, "resumed")).at(-1);
    expect(last?.["train/robust_loss"]).toBeGreaterThan(0);
    expect(last?.["train/logit_max"]).toBeGreaterThan(0);
  });
});

describe("a deterministic run with a categorical critic, scaled rewards and other networks", () => {
  // Four processes of some seconds each, on a machine that may be busy with other tests.
  test("ends the same when it is stopped and resumed, and its policy is exported", {
    timeout: 300_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const whole = await digestOf(context, runDir, [...ARGV, "--name", "whole"]);
    expect(whole).toMatch(/^[0-9a-f]{64}$/);

    const stopped = startTrain(context, runDir, { argv: [...ARGV, "--name", "stopped"] });
    const folder = join(runDir, "stopped");
    await killPast(stopped, folder, { step: 400 });
    expect(await digestOf(context, runDir, ["--resume", "stopped"])).toBe(whole);

    const last = records(folder).at(-1);
    expect(last?.["train/reward_scale"]).toBeGreaterThan(0);
    expect(last?.["train/support_saturation"]).toBeGreaterThanOrEqual(0);
    expect(last?.["train/critic_loss"]).toBeGreaterThanOrEqual(0);

    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["dist/cli.js", "export", folder],
      {
        encoding: "utf8",
      },
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("policy.onnx");
  });
});
