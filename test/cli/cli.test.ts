import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { runCli } from "./run-cli.ts";

// Each of these starts Node, which can take a second and more on a busy machine.
const SLOW = { timeout: 90_000 };

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "cli-")), "run.yaml");
  writeFileSync(path, text);
  return path;
}

describe("troupe", SLOW, () => {
  test("shows help with examples on stdout", () => {
    const { code, stdout, stderr } = runCli(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("troupe train HalfCheetah-v5");
    expect(stdout).toContain("Exit codes: 0 done");
  });

  test("tells its versions", () => {
    expect(runCli(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
    expect(JSON.parse(runCli(["version", "--json"]).stdout)).toMatchObject({
      troupe: "0.1.0",
      node: process.versions.node,
    });
  });

  test.each([
    [["confg"], /unknown command 'confg'[\s\S]*Did you mean config\?/],
    [["env", "lst"], /Did you mean list\?/],
    [["env", "list", "--jsn"], /unknown option '--jsn'[\s\S]*Did you mean --json\?/],
    [["env", "show", "HalfCheeta-v5"], /did you mean "HalfCheetah-v5"\?/],
    [["env", "show"], /missing required argument 'env'/],
    [["env", "list", "ant", "extra"], /too many arguments/],
    [["config", "show", "--algo", "sacc"], /--algo sacc: .*must be sac.*did you mean sac\?/],
    [["config", "show", "Hoper-v5"], /did you mean "Hopper-v5"\?/],
    [["config", "show", "--set", "algorithm.batchsize=1"], /did you mean algorithm\.batchSize\?/],
    [["config", "show", "--set", "seed"], /write path=value/],
    [["config", "show", "--total-steps", "many"], /totalSteps must be a whole number/],
    [["config", "show", "-c", "nowhere.yaml"], /nowhere\.yaml: there is no such file/],
  ])("refuses %j with code 2 and the nearest match", (argv, message) => {
    const { code, stdout, stderr } = runCli(argv);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("troupe config", SLOW, () => {
  test("show prints what a run would be told, and by whom", () => {
    const path = file("algorithm:\n  tau: 0.01\n");
    const { code, stdout } = runCli(
      [
        "config",
        "show",
        "-c",
        path,
        "--set",
        "seed=3",
        "--set",
        "algorithm.gamma=0.9",
        "Hopper-v5",
      ],
      { TROUPE_ACTORS: "2" },
    );
    expect(code).toBe(0);
    expect(stdout).toContain("id: Hopper-v5 # argument Hopper-v5");
    expect(stdout).toContain(`tau: 0.01 # ${path}:2:3`);
    expect(stdout).toContain("gamma: 0.9 # --set algorithm.gamma=0.9");
    expect(stdout).toContain("count: 2 # TROUPE_ACTORS");
    expect(stdout).toContain("batchSize: 256 # default");
  });

  test("show --json prints the configuration alone; short flags win over --set", () => {
    const argv = ["--name", "2026", "-s", "7", "--set", "seed=3", "-n", "2e6", "--run-dir", "out"];
    const { stdout } = runCli(["config", "show", "--json", ...argv]);
    const run = { name: "2026", dir: "out" };
    expect(JSON.parse(stdout)).toEqual(parseConfig({ seed: 7, totalSteps: 2e6, run }));
  });

  test("check says where a file is wrong", () => {
    const good = file("seed: 2\n");
    const bad = file("seed: 2\nalgorithm:\n  batchsize: 3\n");
    expect(runCli(["config", "check", good])).toMatchObject({ code: 0, stdout: `${good}: ok\n` });
    const { code, stderr } = runCli(["config", "check", good, bad]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `error: ${bad}:3:3: unknown key algorithm.batchsize (did you mean algorithm.batchSize?)\n`,
    );
  });

  test("schema prints a JSON Schema", () => {
    expect(JSON.parse(runCli(["config", "schema"]).stdout)).toMatchObject({ type: "object" });
  });
});

describe("troupe env", SLOW, () => {
  test("list names every environment, as a table and as JSON", () => {
    const { stdout } = runCli(["env", "list"]);
    expect(stdout).toMatch(/^gymnasium \(11\)\n +id +max steps/);
    expect(stdout).toMatch(/^ +HalfCheetah-v5 +1000 +0\.05 +4800$/m);
    expect(stdout).toMatch(/^ +domain +id +max steps/m);
    expect(stdout).toMatch(/^ +cartpole +dm_control\/cartpole-balance +1000/m);
    expect(stdout).toMatch(/^own\n.*train \.\/my-task\.ts/m);
    const envs = JSON.parse(runCli(["env", "list", "--json"]).stdout) as { id: string }[];
    expect(envs.map(({ id }) => id)).toContain("InvertedPendulum-v5");
  });

  test("list takes a part of the ids, or of the suites' names", () => {
    const ids = (text: string): string[] =>
      (JSON.parse(runCli(["env", "list", text, "--json"]).stdout) as { id: string }[]).map(
        ({ id }) => id,
      );
    expect(ids("CHEETAH")).toEqual(["HalfCheetah-v5", "HalfCheetah-v4", "dm_control/cheetah-run"]);
    expect(ids("gymnasium v4")).toHaveLength(11);
    expect(runCli(["env", "list", "xyz"]).stdout).toBe('no id contains "xyz"\n');
  });

  test("show tells what a file defines, under options", () => {
    const argv = ["env", "show", "examples/arm/arm.ts", "-o", "maxEpisodeSteps=7", "--json"];
    expect(JSON.parse(runCli(argv).stdout)).toMatchObject({
      id: "arm",
      group: "own",
      maxEpisodeSteps: 7,
      stepInfo: ["distance", "effort"],
      options: expect.arrayContaining([expect.objectContaining({ name: "reach", default: 0.4 })]),
      source: expect.stringMatching(/examples.arm.arm\.ts$/),
      wrappers: expect.arrayContaining(["action_repeat", "frame_stack"]),
    });
  });

  test("show tells where the spaces of an environment are that only actors elsewhere have", () => {
    const { stdout } = runCli(["env", "show", "external/Reacher"]);
    expect(stdout).toMatch(/^observationSpace +-$/m);
    expect(stdout).toMatch(
      /^source +actors in other processes .* spaces are those of env\.options$/m,
    );
    expect(stdout).toMatch(/^ +observation_size +none +numbers in an observation$/m);
    const sizes = ["observation_size=3", "action_low=[-2]", "action_high=[2]"];
    const argv = ["env", "show", "external/Reacher", ...sizes.flatMap((size) => ["-o", size])];
    expect(JSON.parse(runCli([...argv, "--json"]).stdout)).toMatchObject({
      actionSpace: { low: [-2], high: [2] },
      stepInfo: [],
      wrappers: [],
    });
    const config = runCli(["config", "show", "external/Reacher", "--json"]);
    expect(config).toMatchObject({ code: 0, stderr: "" });
    expect(runCli(["env", "check", "external/Reacher"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is stepped by actors elsewhere"),
    });
  });

  test("show describes spaces and options", () => {
    const { stdout } = runCli(["env", "show", "HalfCheetah-v5"]);
    expect(stdout).toMatch(/^observationSpace +box of 17, from -Infinity to Infinity$/m);
    expect(stdout).toMatch(/^actionSpace +box of 6, from -1 to 1$/m);
    expect(stdout).toMatch(/^ +reset_noise_scale +0\.1 +/m);
    expect(JSON.parse(runCli(["env", "show", "HalfCheetah-v5", "--json"]).stdout)).toMatchObject({
      id: "HalfCheetah-v5",
      observationSpace: { kind: "box", size: 17 },
    });
  });
});

describe("troupe doctor", SLOW, () => {
  test("finds everything a run needs, and leaves nothing behind", () => {
    const dir = mkdtempSync(join(tmpdir(), "doctor-"));
    const { code, stdout } = runCli(["doctor", "--json"], { TROUPE_RUN_DIR: join(dir, "a", "b") });
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { name: string; status: string; detail: string }[];
    };
    const failed = checks.filter(({ status }) => status === "fail");
    expect(failed).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
    expect(checks.map(({ name }) => name)).toEqual([
      "node",
      "cpus",
      "memory",
      "physics",
      "inference",
      "ports",
      "run folder",
      "clock",
    ]);
    expect(readdirSync(dir)).toEqual([]);
  });

  test("fails with code 1 and a fix where a run could not be kept", () => {
    const { code, stdout } = runCli(["doctor"], { TROUPE_RUN_DIR: "/dev/null/runs" });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail +run folder +cannot write to \/dev\/null\/runs/m);
    expect(stdout).toMatch(/^ +fix: choose another folder/m);
    expect(stdout).toMatch(/^ok +physics/m);
  });
});
