import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Experiment } from "../../bench/campaign/experiment.ts";
import { parseConfig } from "../../src/config/parse.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { RunFolder } from "../../src/learner/run-folder.ts";
import { encodeEvaluations } from "../../src/metrics/evaluations-npz.ts";

/** A folder for one test, removed when it ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Two arms and two seeds. */
export const EXPERIMENT: Experiment = {
  id: "critics",
  question: "Does it help?",
  env: "Hopper-v5",
  steps: 20_000,
  seeds: [1, 2],
  evaluateEvery: 10_000,
  settings: ["algorithm.batchSize=128"],
  arms: { mse: [], c51: ["algorithm.critic=c51"] },
  target: { atLeast: 35, source: "somewhere" },
};

export interface FakeRun {
  readonly seed: number;
  readonly critic: "mse" | "c51";
  /** Environment steps made. */
  readonly steps: number;
  /** Returns of the two episodes of each evaluation. */
  readonly returns: readonly (readonly [number, number])[];
  readonly name?: string;
  readonly more?: ConfigInput;
}

/** A folder as a run of `EXPERIMENT` leaves it. */
export function writeRun(dir: string, fake: FakeRun): void {
  const { seed, critic, steps, returns, more = {} } = fake;
  const config = parseConfig({
    env: { id: "Hopper-v5" },
    seed,
    totalSteps: 20_000,
    algorithm: { batchSize: 128, critic },
    evaluation: { interval: 10_000 },
    learner: { threads: 1 },
    run: { dir, name: fake.name ?? `${critic}-${seed}` },
    ...more,
  });
  const machine = { cpus: 2, memoryBytes: 1e9 };
  using folder = RunFolder.create({ config, machine, commandLine: [], now: new Date(0) });
  folder.update({ status: steps < 20_000 ? "interrupted" : "done", envSteps: steps });
  const entries = returns.map((pair, i) => ({
    step: 10_000 * (i + 1),
    returns: pair,
    lengths: [9, 9],
  }));
  writeFileSync(folder.paths.evaluations, encodeEvaluations(entries));
  // Two starts: 7 s, then 5 s.
  const lines = [4, 7, 3, 5].map((seconds) => `{"step":1,"time/time_elapsed":${seconds}}\n`);
  writeFileSync(folder.paths.metrics, lines.join(""));
}
