import { cpus } from "node:os";
import { describe, expect, test } from "vitest";
import { runCli } from "./run-cli.ts";

// Each of these starts Node and the part it measures, which takes seconds on a busy machine.
const SLOW = { timeout: 90_000 };
const MACHINE = { node: process.versions.node, cpu: cpus()[0]?.model };

function json(...argv: readonly string[]) {
  const { code, stdout, stderr } = runCli(["bench", ...argv, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

describe("troupe bench", SLOW, () => {
  test("learner prints one object with updates per second and threads", () => {
    const report = json("learner", "--updates", "3", "--threads", "2");
    expect(report).toMatchObject({ benchmark: "learner", threads: 2, batch_size: 256, ...MACHINE });
    expect(report.updates_per_second).toBeGreaterThan(0);
  });

  test("env prints steps per second of the tasks it is given", () => {
    const report = json("env", "PointMass-v0", "InvertedPendulum-v5", "--steps", "200");
    expect(report).toMatchObject({ benchmark: "env", steps: 200, ...MACHINE });
    expect(Object.keys(report.steps_per_second)).toEqual(["PointMass-v0", "InvertedPendulum-v5"]);
    expect(report.steps_per_second["PointMass-v0"]).toBeGreaterThan(0);
  });

  test("replay prints microseconds per batch, draw and priority update", () => {
    const report = json("replay", "--sampling", "lap", "--capacity", "1e4", "--batches", "5");
    expect(report).toMatchObject({ sampling: "lap", transitions: 10_000, batch_size: 256 });
    const { microseconds_per_batch: batch, microseconds_per_draw: draw } = report;
    expect(batch.min).toBeGreaterThan(draw.min);
    expect(draw.min).toBeGreaterThan(0);
  });

  test("without --json it is a table of name and value", () => {
    const { code, stdout } = runCli(["bench", "env", "PointMass-v0", "--steps", "100"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^steps per second PointMass-v0 +\d+$/m);
    expect(stdout).toMatch(/^steps +100$/m);
  });

  test.each([
    [["env", "Hopper-v6", "--steps", "10"], /did you mean "Hopper-v5"/],
    [["learner", "--threads", "0"], /must be a whole number of at least 1/],
    [["replay", "--sampling", "prioritised"], /Allowed choices are uniform, prioritized, lap/],
    [["actor"], /unknown command 'actor'/],
  ])("refuses %j with code 2", (argv, message) => {
    const { code, stdout, stderr } = runCli(["bench", ...argv]);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
