import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { RandomStream } from "../../src/math/random.ts";
import { killPast, lastRecord, scratchFolder, settings, startTrain } from "./train-process.ts";

const TOTAL_STEPS = 4_000;
const CHECKPOINT_STEPS = 700;

const ARGV = [
  "InvertedPendulum-v5",
  ...["--total-steps", String(TOTAL_STEPS)],
  ...settings({
    deterministic: true,
    "algorithm.learningStarts": 500,
    "algorithm.hidden": "[32,32]",
    "algorithm.batchSize": 32,
    "learner.threads": 1,
    "checkpoint.intervalSteps": CHECKPOINT_STEPS,
    "evaluation.interval": 2_000,
    "evaluation.episodes": 1,
    "metrics.logIntervalSeconds": 0.1,
  }),
];

interface Completed {
  readonly learnerStep: number;
  readonly envSteps: number;
  readonly digest: string;
}

async function complete(
  context: TestContext,
  runDir: string,
  argv: readonly string[],
): Promise<Completed> {
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  const line = run.log.find(({ msg }) => msg === "run completed");
  return line as unknown as Completed;
}

/** Kills a run as soon as it acts, and returns the checkpoints it had by then: none. */
async function killAtStart(context: TestContext, runDir: string, name: string) {
  const run = startTrain(context, runDir, { argv: [...ARGV, "--name", name] });
  await run.untilLogged("from the start");
  run.kill("SIGKILL");
  expect((await run.ended()).signal).toBe("SIGKILL");
  return checkpoints(join(runDir, name));
}

/** Goes on with a run that has no checkpoint until it has one of `step`, and kills it. */
async function killAt(context: TestContext, folder: string, step: number) {
  const run = startTrain(context, dirname(folder), { argv: ["--resume", basename(folder)] });
  await killPast(run, folder, { step });
  return { diedAt: lastRecord(folder)?.["step"] ?? 0, kept: checkpoints(folder) };
}

function checkpoints(folder: string): readonly string[] {
  return readdirSync(join(folder, "checkpoints")).filter((entry) => entry.startsWith("ckpt"));
}

describe("a deterministic run", () => {
  // Five processes of some seconds each, on a machine that may be busy with other tests.
  test("that is killed at any step and resumed ends as one that never was", {
    timeout: 400_000,
  }, async (context) => {
    const runDir = scratchFolder(context);
    const [whole, other] = await Promise.all([
      complete(context, runDir, [...ARGV, "--name", "whole"]),
      complete(context, runDir, [...ARGV, "--name", "other", "--seed", "2"]),
    ]);
    expect(whole.envSteps).toBeGreaterThanOrEqual(TOTAL_STEPS);
    expect(whole.learnerStep).toBeGreaterThanOrEqual(3_000);
    expect(whole.digest).toMatch(/^[0-9a-f]{64}$/);

    const random = RandomStream.derive(20_261_122, "kill");
    // So long before the end that the poll does not miss it.
    const step = random.integer(TOTAL_STEPS - CHECKPOINT_STEPS - 1_200);
    expect(await killAtStart(context, runDir, "killed")).toEqual([]);
    const { diedAt, kept } = await killAt(context, join(runDir, "killed"), step);
    expect(kept.length).toBeGreaterThan(0);
    expect(diedAt).toBeLessThan(TOTAL_STEPS);
    const resumed = await complete(context, runDir, ["--resume", "killed"]);
    expect(resumed).toMatchObject({
      learnerStep: whole.learnerStep,
      envSteps: whole.envSteps,
      digest: whole.digest,
    });
    expect(other.digest).not.toBe(whole.digest);
  });
});
