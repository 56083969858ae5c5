import { basename, dirname, join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { loadPolicy } from "../../dist/index.js";
import { RandomStream } from "../../src/math/random.ts";
import {
  killPast,
  lastRecord,
  records,
  scratchFolder,
  settings,
  startTrain,
} from "./train-process.ts";

const T = 256;
const STEPS = 16 * T;

const SMALL = {
  "algorithm.hidden": "[16,16]",
  "actors.unrollLength": T,
  "ppo.epochs": 3,
  "learner.threads": 1,
  "evaluation.interval": 0,
  "metrics.logIntervalSeconds": 0.1,
};

const argvOf = (values: Readonly<Record<string, string | number | boolean>>) => [
  "InvertedPendulum-v5",
  ...["--algo", "ppo", "--total-steps", String(STEPS)],
  ...settings({ ...SMALL, ...values }),
];

async function complete(context: TestContext, runDir: string, argv: readonly string[]) {
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  return run.log.find(({ msg }) => msg === "run completed");
}

describe("a deterministic PPO run", () => {
  // Three processes of some seconds each, on a machine that may be busy with other tests.
  test.for(["synchronous", "overlapped"])(
    "that is %s, killed and resumed, ends as one that never was",
    { timeout: 300_000 },
    async (mode, context) => {
      const runDir = scratchFolder(context);
      const argv = argvOf({
        deterministic: true,
        "ppo.mode": mode,
        "checkpoint.intervalSteps": 700,
        "evaluation.interval": 2_000,
        "evaluation.episodes": 1,
      });
      const whole = await complete(context, runDir, [...argv, "--name", "whole"]);
      expect(whole?.["envSteps"]).toBe(STEPS);
      expect(whole?.["digest"]).toMatch(/^[0-9a-f]{64}$/);

      const folder = join(runDir, "killed");
      const killed = startTrain(context, dirname(folder), { argv: [...argv, "--name", "killed"] });
      const random = RandomStream.derive(20_261_122, "kill", mode);
      const step = random.integer(STEPS / 2);
      await killPast(killed, folder, { step, moment: random.integer(30) });
      const resumed = await complete(context, runDir, ["--resume", basename(folder)]);
      for (const key of ["learnerStep", "envSteps", "digest"]) {
        expect(resumed?.[key], key).toEqual(whole?.[key]);
      }
    },
  );
});

describe("PPO with two actors", () => {
  const ages = { synchronous: 0, overlapped: 1 };
  test.for(Object.entries(ages))(
    "that is %s learns from data of age %i",
    { timeout: 180_000 },
    async ([mode, age], context) => {
      const runDir = scratchFolder(context);
      const argv = [...argvOf({ "ppo.mode": mode, "actors.count": 2 }), "--name", "run"];
      await complete(context, runDir, argv);
      const folder = join(runDir, "run");
      const last = lastRecord(folder);
      expect(last?.["step"]).toBe(STEPS);
      // The first data there are come from the policy that learns from them, whatever the mode.
      const lags = records(folder).flatMap((record) => record["policy/lag_max"] ?? []);
      expect(Math.max(...lags)).toBe(age);
      const others = lags.slice(1);
      for (const lag of others) expect(lag).toBe(age);
      for (const key of ["approx_kl", "clip_fraction", "value_loss", "explained_variance", "std"]) {
        expect(last?.[`train/${key}`], key).toEqual(expect.any(Number));
      }
      expect(last?.["train/learning_rate"]).toBeLessThan(3e-4);
    },
  );

  test("that is asynchronous corrects for the age of its data, of at most maxAge", {
    timeout: 180_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const argv = argvOf({ "ppo.mode": "asynchronous", "ppo.maxAge": 2, "actors.count": 2 });
    await complete(context, runDir, [...argv, "--name", "run"]);
    const last = lastRecord(join(runDir, "run"));
    expect(last?.["policy/lag_max"] ?? 2).toBeLessThanOrEqual(2);
    const share = last?.["train/behaviour_sample_size"] ?? 0;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(1);
  });

  test("lowers its step size to 0 at the end, and leaves out epochs once the policy has moved far", {
    timeout: 180_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const argv = argvOf({ "ppo.targetKl": 1e-12 });
    const ended = await complete(context, runDir, [...argv, "--name", "run"]);
    // 16 iterations of one epoch of 4 minibatches, instead of 3.
    expect(ended?.["learnerStep"]).toBe(16 * 4);
    expect(lastRecord(join(runDir, "run"))?.["train/learning_rate"]).toBeCloseTo(3e-4 / 16, 9);
  });

  test("leaves a policy that can be loaded, and acts within the bounds", {
    timeout: 180_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    await complete(context, runDir, [...argvOf({}), "--name", "run"]);
    await using policy = await loadPolicy(join(runDir, "run"));
    const [action = Number.NaN] = await policy.act([1e3, -1e3, 1e3, -1e3]);
    expect(Math.abs(action)).toBeLessThanOrEqual(3);
    const [calm = Number.NaN] = await policy.act([0, 0, 0, 0]);
    expect(calm).not.toBe(action);
  });
});
