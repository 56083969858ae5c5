import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

// A run and three evaluations, each a process of a second or several.
test("evaluations draw several actions and let the critics choose, the same ones each time", {
  timeout: 240_000,
}, async (context) => {
  const runDir = scratchFolder(context);
  const flags = settings({
    "evaluation.interval": 300,
    "evaluation.episodes": 2,
    "evaluation.bestOf": 4,
    "algorithm.normalizeObservations": true,
  });
  const argv = ["PointMass-v0", "-n", "300", "--name", "run", ...SMALL, ...flags];
  const run = startTrain(context, runDir, { argv });
  const ended = await run.ended();
  expect(ended.code, ended.stderr).toBe(0);
  const evaluated = run.log.find(({ msg }) => msg === "evaluation");

  const evaluate = (...rest: string[]) => {
    const folder = join(runDir, "run");
    const command = ["dist/cli.js", "eval", folder, "--json", "--episodes", "2", ...rest];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  };
  const own = evaluate();
  expect(own).toMatchObject({ best_of: 4, is_deterministic: false });
  expect(Number(own["mean_reward"])).toBeCloseTo(Number(evaluated?.["meanReturn"]), 3);
  const mode = evaluate("--best-of", "1");
  expect(mode).toMatchObject({ best_of: 1, is_deterministic: true });
  expect(mode["mean_reward"]).not.toBe(own["mean_reward"]);
});
