import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { lastRecord, scratchFolder, settings, startTrain } from "./train-process.ts";

const T = 256;

const argvOf = (
  steps: number,
  name: string,
  values: Readonly<Record<string, string | number | boolean>>,
) => [
  "PointMass-v0",
  ...["--algo", "ppo", "-n", String(steps), "--name", name],
  ...settings({
    "algorithm.hidden": "[16,16]",
    "actors.unrollLength": T,
    "ppo.annealLearningRate": false,
    "learner.threads": 1,
    "evaluation.interval": 0,
    ...values,
  }),
];

async function complete(context: TestContext, runDir: string, argv: readonly string[]) {
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  const messages = run.log.map(({ msg }) => msg);
  const end = run.log.find(({ msg }) => msg === "run completed");
  const returns = run.log.filter(({ msg }) => msg === "evaluation");
  return { digest: end?.["digest"], messages, returns: returns.map((line) => line["meanReturn"]) };
}

describe.each(["hl-gauss", "two-hot", "c51"])("PPO with a value by %s", (critic) => {
  test("ends the same when it is resumed, and shows its support and logits", {
    timeout: 180_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const values = { deterministic: true, "algorithm.critic": critic };
    const whole = await complete(context, runDir, argvOf(4 * T, "whole", values));
    expect(whole.digest).toMatch(/^[0-9a-f]{64}$/);
    await complete(context, runDir, argvOf(2 * T, "resumed", values));
    const resumed = await complete(context, runDir, ["--resume", "resumed", "-n", String(4 * T)]);
    expect(resumed.digest).toBe(whole.digest);
    const record = lastRecord(join(runDir, "whole"));
    for (const key of ["support_saturation", "support_edge_mass", "logit_max", "value_loss"]) {
      expect(record?.[`train/${key}`], key).toEqual(expect.any(Number));
    }
    expect(record?.["train/logit_max"]).toBeGreaterThan(0);
  });

  test("learns a task", { timeout: 180_000 }, async (context) => {
    const runDir = scratchFolder(context);
    const values = {
      "algorithm.critic": critic,
      "ppo.learningRate": 1e-3,
      "evaluation.interval": 16 * T,
    };
    const { returns } = await complete(context, runDir, argvOf(32 * T, "run", values));
    // At random it is about -9; at best near 0.
    expect(Number(returns.at(-1))).toBeGreaterThan(-2);
    // In nats; almost 4 in the first iteration, from logits that are all 0.
    expect(lastRecord(join(runDir, "run"))?.["train/value_loss"]).toBeLessThan(1);
  });
});

test("a PPO critic whose support is too small says so", {
  timeout: 180_000,
}, async (context) => {
  const runDir = scratchFolder(context);
  const values = {
    "algorithm.critic": "hl-gauss",
    "algorithm.rewardScaling": "none",
    "algorithm.criticSupport.min": -0.1,
    "algorithm.criticSupport.max": 0.1,
  };
  const { messages } = await complete(context, runDir, argvOf(26 * T, "run", values));
  expect(
    messages.filter((text) => text.includes("targets lie at or beyond the ends")),
  ).toHaveLength(1);
});
