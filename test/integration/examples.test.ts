import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkEnvironment } from "../../dist/envs/check/check-environment.js";
import { openEnv } from "../../dist/envs/registry.js";
import { scratchFolder, startTrain } from "./train-process.ts";

// Each trains for a few thousand updates of small networks: ten seconds of one CPU.
const TIMEOUT = { timeout: 240_000 };

const SMALL = [
  ...["--set", "algorithm.batchSize=64", "--set", "algorithm.hidden=[32,32]"],
  ...["--set", "algorithm.learningStarts=500", "--set", "metrics.port=off"],
  ...["--set", "evaluation.episodes=5", "--set", "actors.count=1", "--set", "learner.threads=1"],
];

describe("the examples", () => {
  test.for(["arm", "docking"])("%s is a sound environment", TIMEOUT, async (name) => {
    const file = `examples/${name}/${name}.ts`;
    const options = { name: file, steps: 500, seconds: 30 };
    expect((await checkEnvironment(() => openEnv(file), options)).findings).toEqual([]);
  });

  // A half of what the worst of seeds 1 to 3 gains (arm 75, docking 70), or less.
  test.for([
    ["arm", 3000, 10],
    ["docking", 3000, 15],
  ] as const)("%s learns", TIMEOUT, async ([name, steps, gain], context) => {
    const runDir = scratchFolder(context);
    const config = `examples/${name}/train.yaml`;
    const evaluations = ["--set", `evaluation.interval=${steps / 4}`];
    const argv = ["-c", config, "--name", "run", "-n", String(steps), ...evaluations, ...SMALL];
    const run = startTrain(context, runDir, { argv });
    const ended = await run.ended();
    expect(ended.code, ended.stderr).toBe(0);
    const returns = run.log.flatMap(({ msg, meanReturn }) =>
      msg === "evaluation" ? [Number(meanReturn)] : [],
    );
    expect(returns.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...returns) - returns[0]!).toBeGreaterThan(gain);
    expect(readFileSync(join(runDir, "run", "config.yaml"), "utf8")).toContain(`${name}.ts`);
  });
});
