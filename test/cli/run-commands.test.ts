import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPolicy, train } from "../../dist/index.js";
import { runCli } from "./run-cli.ts";

// A command starts Node, MuJoCo and ONNX Runtime; beside other test files that takes seconds.
const TIMEOUT_MS = 90_000;

let dir: string;
let folder: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "troupe-commands-"));
  const config = {
    env: { id: "PointMass-v0" },
    totalSteps: 600,
    algorithm: {
      hidden: [16, 16],
      batchSize: 32,
      learningStarts: 200,
      learningRates: { actor: 1e-3 },
    },
    evaluation: { interval: 300, episodes: 4 },
    metrics: { port: "off" as const },
    run: { dir, name: "small" },
  };
  ({ folder } = await train(config));
}, TIMEOUT_MS);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const troupe = (...args: string[]) => runCli([...args, "--run-dir", dir]);

describe("troupe eval", () => {
  test(
    "prints what Stable-Baselines3 calls it, and the same for the same seed",
    () => {
      const first = JSON.parse(troupe("eval", "small", "--episodes", "5", "--json").stdout);
      expect(first).toMatchObject({
        env: "PointMass-v0",
        n_eval_episodes: 5,
        is_deterministic: true,
      });
      const returns: number[] = first.episode_rewards;
      const mean = returns.reduce((sum, value) => sum + value, 0) / 5;
      expect(first.mean_reward).toBeCloseTo(mean, 10);
      const variance = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5;
      expect(first.std_reward).toBeCloseTo(Math.sqrt(variance), 10);
      const again = JSON.parse(troupe("eval", folder, "--episodes", "5", "--json").stdout);
      expect(again.episode_rewards).toEqual(returns);
      const kept = JSON.parse(readFileSync(join(folder, "eval/results.json"), "utf8"));
      expect(kept).toEqual(again);
    },
    TIMEOUT_MS,
  );

  test(
    "ends with 3 when the return is too low, and with 2 for a run that is not there",
    () => {
      const low = troupe("eval", "latest", "--episodes", "2", "--min-return", "0.5");
      expect(low.code).toBe(3);
      expect(low.stderr).toMatch(/is below 0.5/);
      const missing = troupe("eval", "smal");
      expect(missing.code).toBe(2);
      expect(missing.stderr).toMatch(/no run smal .*did you mean small\?/);
    },
    TIMEOUT_MS,
  );
});

describe("troupe export", () => {
  test(
    "writes a policy that acts as the run's own",
    async () => {
      const exported = JSON.parse(troupe("export", "small", "--json").stdout);
      expect(exported.maxDifference).toBeLessThanOrEqual(1e-5);
      expect(statSync(exported.path).size).toBeGreaterThan(1000);
      await using own = await loadPolicy(folder);
      await using other = await loadPolicy(exported.path);
      const observation = [0.3, -0.7];
      expect(await other.act(observation)).toEqual(await own.act(observation));
    },
    TIMEOUT_MS,
  );
});

describe("troupe health", () => {
  test(
    "says of a run that has ended that it does not run, with exit code 1",
    () => {
      const { code, stdout } = troupe("health", "small");
      expect(code).toBe(1);
      expect(stdout).toMatch(/run small is done and serves no metrics/);
    },
    TIMEOUT_MS,
  );
});
