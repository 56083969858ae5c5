import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { loadPolicy } from "../../src/learner/load-policy.ts";
import { skipBecause } from "../skip-because.ts";
import { writeFaultyTask } from "./faulty-task.ts";
import { SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

// Some start a process with a learner's thread in it: seconds when the machine is busy.
const TIMEOUT = { timeout: 90_000 };

/** Runs `troupe train`, and expects it to end with `code`, one sentence, and no run folder. */
async function expectRefused(
  context: TestContext,
  argv: readonly string[],
  wanted: { readonly code: number; readonly says: RegExp },
): Promise<void> {
  const runDir = join(scratchFolder(context), "runs");
  const ended = await startTrain(context, runDir, { argv }).ended();
  expect(ended.stderr).toMatch(wanted.says);
  expect(ended.code).toBe(wanted.code);
  expect(ended.stderr, "a stack").not.toMatch(/^\s+at /m);
  expect(ended.stdout).toBe("");
  expect(folderEntries(runDir)).toEqual([]);
}

function folderEntries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

describe("troupe train refuses, with one sentence and no run folder,", () => {
  test.for([
    ["an unknown environment", ["PointMas-v0"], /"PointMas-v0".*did you mean "PointMass-v0"/],
    ["an unknown algorithm", ["--algo", "sacc"], /sacc.*did you mean sac\?/],
    ["an unknown flag", ["--tottal-steps", "5"], /--tottal-steps[\s\S]*--total-steps/],
    ["an unknown key", ["--set", "algorithm.gama=1"], /algorithm\.gama .*algorithm\.gamma/],
    [
      "a batch larger than replay",
      settings({ "algorithm.batchSize": 256, "replay.capacity": 100 }),
      /algorithm\.batchSize is 256, more than replay\.capacity \(100\)/,
    ],
    ["a run to resume that is not there", ["--resume", "nobody"], /there is no run nobody/],
  ] as const)("%s", TIMEOUT, async ([, argv, says], context) => {
    await expectRefused(context, argv, { code: 2, says });
  });

  test("malformed YAML, at its line and column", TIMEOUT, async (context) => {
    const file = join(scratchFolder(context), "run.yaml");
    writeFileSync(file, "algorithm:\n  gamma: [0.9\nseed: 3\n");
    await expectRefused(context, ["-c", file], { code: 2, says: /run\.yaml:3:\d+: / });
  });

  test("an action space that the algorithm cannot handle", TIMEOUT, async (context) => {
    const task = writeFaultyTask(scratchFolder(context), "Levers", {
      actionSpace: "{ kind: 'discrete', count: 3 }",
    });
    const says = /error: sac needs continuous actions.*discrete/;
    await expectRefused(context, [task], { code: 2, says });
  });

  test("a deterministic run of a task that cannot be restored", TIMEOUT, async (context) => {
    const task = writeFaultyTask(scratchFolder(context), "Levers", {});
    const says = /error: .*Levers\.mjs has no snapshot\(\) and restore\(\)/;
    await expectRefused(context, [task, "--set", "deterministic=true"], { code: 2, says });
  });

  test("a task that is none", TIMEOUT, async (context) => {
    const task = writeFaultyTask(scratchFolder(context), "Levers", { actionSpace: "box(0)" });
    await expectRefused(context, [task], {
      code: 1,
      says: /error: .*does not make an environment/,
    });
  });

  test("a replay larger than memory", TIMEOUT, async (context) => {
    const argv = ["PointMass-v0", ...settings({ "replay.capacity": 1e12 })];
    await expectRefused(context, argv, { code: 1, says: /error: a replay of 1000000000000 / });
  });

  test("a port that is in use", TIMEOUT, async (context) => {
    const server = await listen(context);
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const argv = ["PointMass-v0", ...settings({ "metrics.port": port })];
    await expectRefused(context, argv, { code: 1, says: new RegExp(`error: port ${port} .*use`) });
  });
});

async function listen({ onTestFinished }: TestContext): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return server;
}

describe("a full disk", () => {
  const ARGV = ["PointMass-v0", "--name", "run", "-n", "2000000", ...SMALL];

  /** 2 MiB of memory as a disk. Only root may; it is unmounted when the test ends. */
  function smallDisk(context: TestContext): string {
    const folder = join(scratchFolder(context), "disk");
    mkdirSync(folder);
    const options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder];
    const { status, error } = spawnSync("mount", options, { stdio: "ignore" });
    if (status !== 0) skipBecause(`cannot mount a small disk: ${error ?? status}`, context);
    context.onTestFinished(() => void spawnSync("umount", ["-l", folder]));
    return folder;
  }

  /** Leaves no room, whatever the file's size comes to. */
  function fill(disk: string): void {
    spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "filler")}`, "bs=4k"], { stdio: "ignore" });
  }

  test("before the run is told, and nothing is left behind", TIMEOUT, async (context) => {
    const disk = smallDisk(context);
    fill(disk);
    const ended = await startTrain(context, disk, { argv: ARGV }).ended();
    expect(ended.stderr).toMatch(
      /^error: cannot make the run folder .*: no space left on the disk$/m,
    );
    expect(ended.code).toBe(1);
    expect(readdirSync(disk)).toEqual(["filler"]);
  });

  test(
    "at a checkpoint costs the checkpoint, and the one before stays valid",
    TIMEOUT,
    async (context) => {
      const disk = smallDisk(context);
      const argv = [
        ...ARGV,
        ...settings({
          "checkpoint.intervalSteps": 100,
          "checkpoint.keep": 100,
          // A third of a megabyte each.
          "algorithm.hidden": "[96,96]",
        }),
      ];
      const run = startTrain(context, disk, { argv });
      const { msg } = await run.untilLogged("no checkpoint:");
      expect(msg).toMatch(/no (space|room) .*trying again/);
      // The run goes on without; only what has to be written at its end cannot be.
      run.kill("SIGINT");
      const ended = await run.ended();
      expect(ended.code, ended.stderr).toBe(1);
      expect(ended.stderr).toMatch(/^error: .*no (space|room) /m);
      expect(ended.stderr).not.toMatch(/^\s+at /m);
      const folder = join(disk, "run");
      const unfinished = readdirSync(join(folder, "checkpoints")).filter((name) =>
        name.startsWith(".tmp-ckpt"),
      );
      expect(unfinished).toEqual([]);
      await using policy = await loadPolicy(folder, { checkpoint: "last" });
      expect(await policy.act([0, 0])).toHaveLength(2);
    },
  );
});
