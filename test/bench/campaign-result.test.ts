import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { planRuns } from "../../bench/campaign/experiment.ts";
import { RunShelf } from "../../bench/campaign/find-runs.ts";
import { assembleResult, describeArm, ResultFolder } from "../../bench/campaign/result.ts";
import { RunSlot } from "../../bench/campaign/slot.ts";
import { EXPERIMENT, type FakeRun, temporary, writeRun } from "./fake-run.ts";

const DONE = { seed: 2, critic: "mse", steps: 20_000 } as const;
const MSE: readonly FakeRun[] = [
  {
    ...DONE,
    returns: [
      [30, 50],
      [0, 40],
    ],
  },
  {
    seed: 1,
    critic: "mse",
    steps: 20_008,
    returns: [
      [1, 3],
      [40, 60],
    ],
  },
];
const STOPPED: FakeRun = { seed: 1, critic: "c51", steps: 400, returns: [[7, 9]] };

interface Places {
  readonly shelf: RunShelf;
  readonly results: ResultFolder;
}

function places(runs: readonly FakeRun[]): Places {
  const folder = temporary();
  for (const run of runs) writeRun(folder, run);
  return { shelf: new RunShelf(folder), results: new ResultFolder(temporary()) };
}

const [FIRST] = await planRuns(EXPERIMENT);
if (FIRST === undefined) throw new Error("the experiment has no runs");

describe("assembleResult", () => {
  test("sums up complete runs and names those that are not", async () => {
    const result = await assembleResult(EXPERIMENT, places([...MSE, STOPPED]));
    expect(result).toMatchObject({
      experiment: "critics",
      target: { at_least: 35, source: "somewhere" },
      missing: ["c51 seed 1", "c51 seed 2"],
    });
    const [mse, c51] = result.arms;
    expect(mse).toMatchObject({
      arm: "mse",
      config_differences: [
        "algorithm.batchSize: 256 -> 128",
        'learner.threads: "auto" -> 1',
        "evaluation.interval: 25000 -> 10000",
      ],
      final_return: { count: 2, mean: 35, std: 15, min: 20, max: 50 },
      best_return: { count: 2, mean: 45 },
      target_met: true,
      curve: {
        steps: [10_000, 20_000],
        mean: [21, 35],
        std: [19, 15],
        min: [2, 20],
        max: [40, 50],
      },
      runs: [
        { seed: 1, wall_seconds: 12, final_return: 50, evaluations: { std: [1, 10] } },
        { seed: 2, best_return: 40, load_average: null },
      ],
    });
    expect(c51).toMatchObject({ final_return: null, target_met: null, curve: { mean: [] } });
    expect(c51?.runs).toEqual([]);
  });

  test("tells runs by their configuration, not by their names", async () => {
    const run = { ...DONE, seed: 1, returns: [[7, 7]] } satisfies FakeRun;
    const namesake = { name: FIRST.name, more: { algorithm: { batchSize: 64 } } };
    const { shelf } = places([{ ...run, ...namesake }]);
    await expect(shelf.state(FIRST)).resolves.toBe("missing");
    writeRun(shelf.folder, { ...run, name: "anything", steps: 300 });
    await expect(shelf.state(FIRST)).resolves.toBe("stopped");
    writeRun(shelf.folder, { ...run, name: "anything-else" });
    await expect(shelf.state(FIRST)).resolves.toBe("complete");
  });

  test("keeps what is recorded when the run folders are gone", async () => {
    const { shelf, results } = places(MSE);
    const before = await assembleResult(EXPERIMENT, { shelf, results, note: "a busy day" });
    results.write(before);
    const elsewhere = places([{ ...DONE, critic: "c51", returns: [[1, 1]] }]);
    const after = await assembleResult(EXPERIMENT, { shelf: elsewhere.shelf, results });
    expect(after.arms[0]).toEqual(before.arms[0]);
    expect(after).toMatchObject({ note: "a busy day", missing: ["c51 seed 1"] });
  });

  test("takes over what another experiment has trained", async () => {
    const { shelf, results } = places(MSE);
    results.write(await assembleResult(EXPERIMENT, { shelf, results }));
    writeFileSync(join(results.folder, "other-benchmark.json"), '{"result":1}');
    const other = { ...EXPERIMENT, id: "other", arms: { plain: [] }, seeds: [2, 3] };
    const result = await assembleResult(other, { shelf: places([]).shelf, results });
    expect(result.arms[0]?.runs.map(({ seed, final_return }) => [seed, final_return])).toEqual([
      [2, 20],
    ]);
    expect(result.missing).toEqual(["plain seed 3"]);
  });

  test("forgets what another command has trained", async () => {
    const { shelf, results } = places(MSE);
    results.write(await assembleResult(EXPERIMENT, { shelf, results }));
    const result = await assembleResult({ ...EXPERIMENT, steps: 30_000 }, { shelf, results });
    expect(result.missing.length).toBe(4);
  });

  test("says how busy the machine was", async () => {
    const { shelf, results } = places(MSE);
    const slot = new RunSlot(shelf.folder, FIRST);
    mkdirSync(slot.folder, { recursive: true });
    writeFileSync(join(slot.folder, "load.json"), '{"samples":4,"sum":6}');
    const result = await assembleResult(EXPERIMENT, { shelf, results });
    expect(result.arms[0]?.runs.map(({ load_average }) => load_average)).toEqual([1.5, null]);
  });
});

describe("ResultFolder", () => {
  test("reads back what it wrote", async () => {
    const { shelf, results } = places(MSE);
    const result = await assembleResult(EXPERIMENT, { shelf, results });
    expect(results.read(EXPERIMENT)).toBeUndefined();
    results.write(result);
    expect(results.read(EXPERIMENT)).toEqual(result);
  });
});

describe("describeArm", () => {
  test("gives the spread and the seeds that are there", async () => {
    const { arms } = await assembleResult(EXPERIMENT, places(MSE));
    expect(arms.map((arm) => describeArm(arm, 3))).toEqual([
      "mse: 35.0 ± 15.0 (2 of 3 seeds)",
      "c51: none of 3 seeds",
    ]);
  });
});

describe("RunSlot", () => {
  test("has one holder at a time, and outlives one that died", () => {
    const slot = new RunSlot(temporary(), FIRST);
    const held = slot.lock();
    expect(() => slot.lock()).toThrow(/in use by process/);
    held[Symbol.dispose]();
    // As of a process that was killed: a number that no process can have.
    const dead = { pid: 2 ** 30, host: hostname(), processStart: 1, released: false };
    writeFileSync(join(slot.folder, "terms", "2.json"), JSON.stringify(dead));
    using again = slot.lock();
    expect(again.term).toBe(3);
  });

  test("finds the last line of progress", () => {
    const slot = new RunSlot(temporary(), FIRST);
    expect(slot.progress).toBeUndefined();
    mkdirSync(slot.folder, { recursive: true });
    const log = '{"level":30}\n10:00:00 learner step=1\n10:00:30 learner step=2\n{"level":30}\n';
    writeFileSync(slot.log, log);
    expect(slot.progress).toBe("learner step=2");
  });
});
