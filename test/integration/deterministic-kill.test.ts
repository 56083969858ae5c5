import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { RandomStream } from "../../src/math/random.ts";
import { lastRecord, scratchFolder, settings, startTrain } from "./train-process.ts";

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

/** Runs until `step` and kills. Both the newest checkpoint and the step of death are returned. */
async function killAt(context: TestContext, runDir: string, step: number) {
  const name = "killed";
  const folder = join(runDir, name);
  const run = startTrain(context, runDir, { argv: [...ARGV, "--name", name] });
  await run.until(`step ${step}`, () => (lastRecord(folder)?.["step"] ?? 0) >= step);
  run.kill("SIGKILL");
  expect((await run.ended()).signal).toBe("SIGKILL");
  const diedAt = lastRecord(folder)?.["step"] ?? 0;
  const kept = readdirSync(join(folder, "checkpoints")).filter((entry) => entry.startsWith("ckpt"));
  return { name, diedAt, kept };
}

describe("a deterministic run", () => {
  // Four processes of some seconds each, on a machine that may be busy with other tests.
  test("that is killed at any step and resumed ends as one that never was", {
    timeout: 180_000,
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
    // After the first checkpoint, and so long before the end that the poll does not miss it.
    const step = CHECKPOINT_STEPS + random.integer(TOTAL_STEPS - CHECKPOINT_STEPS - 1_200);
    const { name, diedAt, kept } = await killAt(context, runDir, step);
    expect(kept.length).toBeGreaterThan(0);
    expect(diedAt).toBeLessThan(TOTAL_STEPS);
    const resumed = await complete(context, runDir, ["--resume", name]);
    expect(resumed).toMatchObject({
      learnerStep: whole.learnerStep,
      envSteps: whole.envSteps,
      digest: whole.digest,
    });
    expect(other.digest).not.toBe(whole.digest);
  });
});
