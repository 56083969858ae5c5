import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  isSameRun,
  planRuns,
  readExperiments,
  selectExperiments,
} from "../../bench/campaign/experiment.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { EXPERIMENT, temporary } from "./fake-run.ts";

const committed = readExperiments("bench/experiments.yaml");

describe("bench/experiments.yaml", () => {
  test.each(committed)("plans $id without a fault", async (experiment) => {
    const runs = await planRuns(experiment);
    const arms = Object.keys(experiment.arms);
    expect(runs.length).toBe(arms.length * experiment.seeds.length);
    expect(new Set(runs.map(({ key }) => key)).size).toBe(runs.length);
  });

  test("trains what two experiments have in common once", async () => {
    const [sac, pmoe] = await Promise.all(
      selectExperiments(committed, ["sac-HalfCheetah-v5", "pmoe"]).map(planRuns),
    );
    const keys = new Set(sac?.map(({ key }) => key));
    const shared = pmoe?.filter(({ key }) => keys.has(key)) ?? [];
    expect(shared.map(({ name }) => name)).toEqual(["pmoe-off-s1", "pmoe-off-s2", "pmoe-off-s3"]);
  });
});

describe("readExperiments", () => {
  test.each([
    ["arms: {}", /at least one arm/],
    ["arms: {a: [nonsense]}", /path=value/],
    ["arms: {a: []}\n  colour: red", /colour/],
    ["arms: {a: []}\n  target: {atLeast: 3}", /source/],
  ])("names what is wrong with %j", (bad, message) => {
    const file = join(temporary(), "experiments.yaml");
    const good = ['question: "?"', "env: Hopper-v5", "steps: 1e4", "seeds: [1]"];
    writeFileSync(file, ["x:", ...good, "evaluateEvery: 100", bad].join("\n  "));
    expect(() => readExperiments(file)).toThrow(message);
  });
});

describe("selectExperiments", () => {
  test("takes all without names, and names the nearest to a wrong one", () => {
    expect(selectExperiments(committed, [])).toEqual(committed);
    expect(() => selectExperiments(committed, ["sac-hoper-v5"])).toThrow(/mean sac-Hopper-v5/);
  });
});

describe("planRuns", () => {
  test("goes through all arms of a seed before the next", async () => {
    const runs = await planRuns(EXPERIMENT);
    expect(runs.map(({ name }) => name)).toEqual([
      "critics-mse-s1",
      "critics-c51-s1",
      "critics-mse-s2",
      "critics-c51-s2",
    ]);
    expect(runs[1]?.config).toMatchObject({
      seed: 1,
      totalSteps: 20_000,
      algorithm: { critic: "c51", batchSize: 128 },
      evaluation: { interval: 10_000 },
    });
  });

  test("gives a command for a shell", async () => {
    const [run] = await planRuns({ ...EXPERIMENT, settings: ["algorithm.hidden=[64,64]"] });
    expect(run?.command).toBe(
      "npx troupe train Hopper-v5 --seed 1 --total-steps 20000 --set 'algorithm.hidden=[64,64]' --set evaluation.interval=10000 --set learner.threads=1 --set metrics.logIntervalSeconds=30",
    );
  });

  test("names the field that a setting gets wrong", async () => {
    const arms = { bad: ["algorithm.critic=c52"] };
    await expect(planRuns({ ...EXPERIMENT, arms })).rejects.toThrow(/algorithm\.critic/);
  });
});

describe("isSameRun", () => {
  test("does not care how a run is kept, but what it trains", () => {
    const run = { seed: 1, evaluation: { interval: 500 } };
    const kept = { run: { name: "other" }, checkpoint: { keep: 7 }, metrics: { port: 1234 } };
    expect(isSameRun(parseConfig(run), parseConfig({ ...run, ...kept }))).toBe(true);
    expect(isSameRun(parseConfig(run), parseConfig({ ...run, seed: 2 }))).toBe(false);
    expect(isSameRun(parseConfig(run), parseConfig({ seed: 1 }))).toBe(false);
  });
});
