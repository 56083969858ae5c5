import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { assembleResult, findRuns } from "../../bench/learning-result.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { RunFolder } from "../../src/learner/run-folder.ts";
import { encodeEvaluations } from "../../src/metrics/evaluations-npz.ts";

const CAMPAIGN = { env: "Hopper-v5", seeds: [1, 2, 3], steps: 20_000 };

interface FakeRun {
  readonly seed: number;
  readonly done: boolean;
  /** Returns of the two episodes of each evaluation. */
  readonly returns: readonly (readonly [number, number])[];
  readonly settings?: object;
}

/** A folder as a run leaves it. */
function writeRun(dir: string, { seed, done, returns, settings = {} }: FakeRun): void {
  const config = parseConfig({
    ...settings,
    env: { id: "Hopper-v5" },
    seed,
    totalSteps: 20_000,
    run: { dir, name: `s${seed}` },
  });
  const machine = { cpus: 2, memoryBytes: 1e9 };
  using folder = RunFolder.create({ config, machine, commandLine: [], now: new Date(0) });
  folder.update({ status: done ? "done" : "running", envSteps: done ? 20_000 : 400 });
  const entries = returns.map((pair, i) => ({
    step: 100 * (i + 1),
    returns: pair,
    lengths: [9, 9],
  }));
  writeFileSync(folder.paths.evaluations, encodeEvaluations(entries));
  // Two starts: 7 s, then 5 s.
  const lines = [4, 7, 3, 5].map((seconds) => `{"step":1,"time/time_elapsed":${seconds}}\n`);
  writeFileSync(folder.paths.metrics, lines.join(""));
}

const BATCH = { algorithm: { batchSize: 128 } };
const temporary = (): string => mkdtempSync(join(tmpdir(), "learning-"));

describe("assembleResult", () => {
  test("sums up complete runs and names those that are not", async () => {
    const dir = temporary();
    writeRun(dir, {
      seed: 2,
      done: true,
      returns: [
        [0, 2],
        [30, 50],
      ],
      settings: BATCH,
    });
    writeRun(dir, {
      seed: 1,
      done: true,
      returns: [
        [1, 3],
        [10, 30],
      ],
      settings: BATCH,
    });
    writeRun(dir, { seed: 3, done: false, returns: [[7, 9]], settings: BATCH });
    const result = await assembleResult(findRuns(dir, CAMPAIGN), CAMPAIGN);
    expect(result).toMatchObject({
      missing_seeds: [3],
      config_differences: ["algorithm.batchSize: 256 -> 128"],
      final_return: { count: 2, mean: 30, std: 10, min: 20, max: 40 },
    });
    expect(result.commands[1]).toBe(
      "npx troupe train Hopper-v5 --seed 2 --total-steps 20000 --set algorithm.batchSize=128",
    );
    expect(result.runs).toMatchObject([
      { seed: 1, complete: true, evaluations: { steps: [100, 200], mean: [2, 20], std: [1, 10] } },
      { seed: 2, complete: true, wall_seconds: 12 },
      { seed: 3, complete: false, env_steps: 400 },
    ]);
  });

  test("refuses to mix configurations", async () => {
    const dir = temporary();
    writeRun(dir, { seed: 1, done: true, returns: [[1, 3]] });
    writeRun(dir, { seed: 2, done: true, returns: [[1, 3]], settings: BATCH });
    const runs = findRuns(dir, CAMPAIGN);
    await expect(assembleResult(runs, CAMPAIGN)).rejects.toThrow(/batchSize/);
  });

  test("says when there is nothing", async () => {
    const runs = findRuns(temporary(), CAMPAIGN);
    await expect(assembleResult(runs, CAMPAIGN)).rejects.toThrow(/no runs of Hopper-v5/);
  });
});
