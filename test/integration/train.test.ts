import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { pointMassBestReturn } from "../../src/envs/point-mass.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { loadPolicy } from "../../src/learner/load-policy.ts";
import { runPaths } from "../../src/learner/run-info.ts";
import { logLines, records } from "./train-process.ts";

const TOTAL_STEPS = 3_000;
const LEARNING_STARTS = 300;
const ACTORS = 2;
const UNROLL = 8;

const CONFIG = {
  env: { id: "PointMass-v0" },
  totalSteps: TOTAL_STEPS,
  algorithm: { hidden: [32, 32], batchSize: 32, learningStarts: LEARNING_STARTS },
  actors: { count: ACTORS, unrollLength: UNROLL },
  replay: { capacity: 10_000 },
  learner: { threads: 1 },
  evaluation: { interval: 1_500, episodes: 3 },
  checkpoint: { intervalSteps: 1_000 },
  metrics: { logIntervalSeconds: 0.2 },
};

// What a user's program looks like. It must end by itself: it calls no process.exit.
const PROGRAM = (config: object): string => `
import { train } from ${url("dist/index.js")};
import { openLog } from ${url("dist/metrics/log.js")};
const { stderr } = process;
const result = await train(${JSON.stringify(config)}, {
  openLog: ({ paths }) => openLog({ format: "json", level: "info", stream: stderr, file: paths.log }),
});
process.on("exit", () => console.log(JSON.stringify({ ...result, returned, ended: Date.now() })));
const returned = Date.now();
`;

function url(path: string): string {
  return JSON.stringify(pathToFileURL(path).href);
}

interface Printed {
  readonly reason: string;
  readonly envSteps: number;
  readonly learnerStep: number;
  readonly folder: string;
  readonly bestReturn: number | null;
  readonly returned: number;
  readonly ended: number;
}

describe("train() on PointMass-v0", () => {
  let result: Printed;
  let paths: ReturnType<typeof runPaths>;
  const runDir = mkdtempSync(join(tmpdir(), "troupe-integration-"));

  // 3000 updates of a small network and two evaluations: about ten seconds on two idle cores.
  beforeAll(() => {
    const program = PROGRAM({ ...CONFIG, run: { dir: runDir, name: "run" } });
    const argv = ["--input-type=module", "-e", program];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    result = JSON.parse(stdout) as Printed;
    paths = runPaths(result.folder);
  }, 240_000);

  afterAll(() => rmSync(runDir, { recursive: true, force: true }));

  const json = (path: string) => JSON.parse(readFileSync(path, "utf8")) as unknown;
  const lines = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n");

  test("takes the steps it was asked for, and one update for each after the warm-up", () => {
    expect(result.reason).toBe("completed");
    expect(result.envSteps).toBeGreaterThanOrEqual(TOTAL_STEPS);
    expect(result.envSteps).toBeLessThan(TOTAL_STEPS + ACTORS * UNROLL);
    // The limiter's band: an unroll of either actor and an update.
    const owed = result.envSteps - LEARNING_STARTS;
    expect(Math.abs(result.learnerStep - owed)).toBeLessThanOrEqual(2 * ACTORS * UNROLL + 2);
  });

  test("lets the process end by itself, at once", () => {
    expect(result.ended - result.returned).toBeLessThan(1_000);
  });

  test("leaves a complete run folder", () => {
    expect(parse(readFileSync(paths.config, "utf8"))).toMatchObject({
      totalSteps: TOTAL_STEPS,
      algorithm: { hidden: [32, 32] },
    });
    expect(json(paths.info)).toMatchObject({
      status: "done",
      envSteps: result.envSteps,
      learnerSteps: result.learnerStep,
      metricsUrl: null,
      address: null,
      error: null,
      best: { meanReturn: result.bestReturn },
    });
    expect(logLines(readFileSync(paths.log, "utf8")).map(({ msg }) => msg)).toContain(
      "run completed",
    );
    expect(readdirSync(paths.tensorboard)).toHaveLength(1);
    // A comment, a header, and a line for each episode of 20 steps, whichever actor was faster.
    const episodes = Array.from({ length: ACTORS }, (_, i) => lines(paths.monitor(i)).length - 2);
    for (const count of episodes) expect(count).toBeGreaterThan(0);
    const all = episodes.reduce((sum, count) => sum + count, 0);
    expect(all).toBeGreaterThanOrEqual(Math.floor(result.envSteps / 20) - ACTORS);
    const npz = unzipSync(readFileSync(paths.evaluations));
    expect(Object.keys(npz).sort()).toEqual(["ep_lengths.npy", "results.npy", "timesteps.npy"]);
    const checkpoints = readdirSync(paths.checkpoints);
    for (const pointer of ["last", "best"]) {
      const name = readFileSync(join(paths.checkpoints, pointer), "utf8").trim();
      expect(checkpoints).toContain(name);
      expect(readdirSync(join(paths.checkpoints, name))).toContain("policy.onnx");
    }
  });

  test("logs the same curves as JSON lines and as CSV", () => {
    const [header = "", ...rows] = lines(paths.progress);
    const all = records(result.folder);
    expect(rows.length).toBe(all.length);
    const column = header.split(",").indexOf("time/total_timesteps");
    expect(rows.map((row) => Number(row.split(",")[column]))).toEqual(
      all.map((record) => record["time/total_timesteps"]),
    );
    expect(all.at(-1)).toMatchObject({
      "time/total_timesteps": result.envSteps,
      "train/n_updates": result.learnerStep,
      "replay/size": result.envSteps,
      "replay/added": result.envSteps,
      "replay/evicted": 0,
      "eval/best_mean_reward": result.bestReturn,
    });
  });

  test("acts with policies that are less than 64 updates old", () => {
    const lags = records(result.folder).flatMap((record) => record["policy/lag_mean"] ?? []);
    expect(lags.length).toBeGreaterThan(0);
    for (const lag of lags) {
      expect(lag).toBeGreaterThanOrEqual(0);
      expect(lag).toBeLessThan(64);
    }
  });

  test("finds a policy close to the best there is", async () => {
    await using policy = await loadPolicy(result.folder);
    const env = await makeEnv("PointMass-v0");
    let lost = 0;
    for (let episode = 0; episode < 10; episode++) {
      let { observation } = env.reset({ seed: episode });
      lost += pointMassBestReturn(observation, env.maxEpisodeSteps);
      for (let ended = false; !ended; ) {
        const step = env.step(await policy.act(observation));
        observation = step.observation;
        lost -= step.reward;
        ended = step.terminated || step.truncated;
      }
    }
    // Mean regret of an episode. Standing still loses about 12, acting at random about 15.
    expect(lost / 10).toBeLessThan(0.5);
  });
});
