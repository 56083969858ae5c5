import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { killPast, records, SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

const ENV = "dm_control/cartpole-swingup_sparse";
const DRM = settings({ "drm.enabled": true, "drm.perturbInterval": 150 });

async function finish(context: TestContext, runDir: string, argv: readonly string[]) {
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  return run.log.find(({ msg }) => msg === "run completed");
}

describe("a run with DrM", () => {
  // Three processes of some seconds each, on a machine that may be busy with other tests.
  test("ends the same when it is killed and resumed in the deterministic mode", {
    timeout: 300_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const argv = [
      ...[ENV, "-n", "800", ...SMALL, ...DRM],
      ...settings({
        deterministic: true,
        "drm.target": "auto",
        "algorithm.critic": "hl-gauss",
        "algorithm.criticSupport.atoms": 21,
        "algorithm.network.policy.norm": "layer",
        "checkpoint.intervalSteps": 200,
      }),
    ];
    const whole = (await finish(context, runDir, [...argv, "--name", "whole"]))?.["digest"];
    expect(whole).toMatch(/^[0-9a-f]{64}$/);

    const killed = startTrain(context, runDir, { argv: [...argv, "--name", "killed"] });
    const folder = join(runDir, "killed");
    await killPast(killed, folder, { step: 400 });
    const resumed = await finish(context, runDir, ["--resume", "killed"]);
    expect(resumed?.["digest"]).toBe(whole);
    expect(records(folder).at(-1)?.["drm/perturbations"]).toBe(4);
  });

  // One process of some seconds.
  test("sends a perturbed policy at once, and logs what was done", {
    timeout: 60_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const once = settings({ "learner.publishInterval": 1_000_000 });
    await finish(context, runDir, [
      ...[ENV, "-n", "800", ...SMALL, ...DRM, ...once],
      ...["--name", "published"],
    ]);
    const last = records(join(runDir, "published")).at(-1);
    expect(last?.["train/n_updates"]).toBeGreaterThanOrEqual(650);
    expect(last?.["policy/version"]).toBe(600);
    expect(last?.["drm/perturbations"]).toBe(4);
    expect(last?.["drm/retained"]).toBeGreaterThanOrEqual(0.2);
    expect(last?.["drm/retained"]).toBeLessThanOrEqual(0.9);
    expect(last?.["drm/parameter_change"]).toBeGreaterThan(0);
    expect(last?.["drm/exploration_std"]).toBeGreaterThan(0);
    expect(last?.["drm/exploitation"]).toBeLessThanOrEqual(0.6);
    expect(last?.["drm/dormant_ratio"]).toBeGreaterThanOrEqual(0);
  });
});
