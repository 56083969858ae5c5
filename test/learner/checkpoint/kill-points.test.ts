import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import { CheckpointStore } from "../../../src/learner/checkpoint/checkpoint-store.ts";
import { skipBecause } from "../../skip-because.ts";
import { openRunFolder } from "./contents.ts";

/**
 * strace stops the writer at its N-th system call of one kind, N = 1, 2, … until it gets through, and
 * after each the run is restored. A kill is not a power cut: what the disk has is the last test's matter.
 */
const writer = fileURLToPath(new URL("./write-loop.mjs", import.meta.url));
const checkpointsPerRun = 2;
/** Far above the calls a run makes; a run that goes on past it does not end. */
const mostCalls = 200;

interface Outcome {
  readonly runFolder: string;
  readonly killed: boolean;
  readonly injected: boolean;
  readonly trace: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

function runWriter(...straceOptions: string[]): Promise<Outcome> {
  const runFolder = openRunFolder();
  const tracePath = join(runFolder, "trace");
  const command = [process.execPath, writer, runFolder, String(checkpointsPerRun)];
  const options = ["-f", "-o", tracePath, ...straceOptions, ...command];
  return new Promise((resolve) => {
    const child = execFile("strace", options, (_, __, stderr) => {
      const trace = readFileSync(tracePath, "utf8");
      resolve({
        runFolder,
        killed: child.signalCode === "SIGKILL" || trace.includes("killed by SIGKILL"),
        injected: trace.includes("(INJECTED)"),
        trace,
        stderr,
        exitCode: child.exitCode,
      });
    });
  });
}

/** Steps of the checkpoints whose `write` returned, and how often the disk was full. */
function journal(runFolder: string): { completed: number; full: number } {
  const path = join(runFolder, "completed");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  const steps = lines.filter((line) => /^\d+$/.test(line)).map(Number);
  return { completed: Math.max(0, ...steps), full: lines.filter((line) => line === "full").length };
}

/** The state is whole, and no older than the last completed checkpoint. */
function expectRestorable(runFolder: string): number {
  const restored = new CheckpointStore({ runFolder, keep: 1 }).restore();
  const { completed } = journal(runFolder);
  const step = restored?.learnerStep ?? 0;
  expect(step).toBeGreaterThanOrEqual(completed);
  if (restored === undefined) return 0;
  expect(restored.warnings).toEqual([]);
  expect(restored.tensors["weights"]?.data).toEqual(Float32Array.of(step, 2, 3));
  expect(restored.json).toEqual({ rng: { state: [step] } });
  return step;
}

/** Runs the writer with the N-th of the calls disturbed until none is left; two at a time. */
async function disturbEachCall(
  calls: string,
  fault: string,
  check: (outcome: Outcome) => void,
): Promise<number> {
  for (let n = 1; n < mostCalls; n += 2) {
    const pair = [n, n + 1].map((at) =>
      runWriter("-e", `trace=${calls}`, "-e", `inject=${calls}:${fault}:when=${at}`),
    );
    for (const [i, outcome] of (await Promise.all(pair)).entries()) {
      if (!(outcome.injected || outcome.killed)) {
        expect(outcome.stderr).toBe("");
        expect(journal(outcome.runFolder).completed).toBe(checkpointsPerRun);
        return n + i - 1;
      }
      check(outcome);
    }
  }
  throw new Error(`the writer made more than ${mostCalls} calls`);
}

describe("a checkpoint writer", () => {
  beforeEach((context) => {
    const probe = spawnSync("strace", [
      "-f",
      "--seccomp-bpf",
      "-e",
      "trace=fsync",
      "-o",
      "/dev/null",
      "true",
    ]);
    if (probe.error) skipBecause("strace is not installed", context);
    if (probe.status !== 0) skipBecause(`strace cannot trace here: ${probe.stderr}`, context);
  });

  // Each of these starts some dozens of processes under strace, hence the long limits.
  test.each([
    ["fsync", "fsync", 12],
    ["rename", "?rename,?renameat,?renameat2", 4],
    ["write", "write", 8],
    ["unlink", "?unlink,?unlinkat,?rmdir", 3],
  ])(
    "killed at any %s leaves a state as new as its last completed checkpoint",
    async (_, calls, atLeast) => {
      const points = await disturbEachCall(calls, "signal=KILL", ({ runFolder, killed }) => {
        expect(killed).toBe(true);
        expectRestorable(runFolder);
      });
      expect(points).toBeGreaterThanOrEqual(atLeast);
    },
    240_000,
  );

  test.each([
    ["fsync", "fsync", 12],
    ["mkdir", "?mkdir,?mkdirat", 2],
    ["rename", "?rename,?renameat,?renameat2", 4],
  ])(
    "that finds the disk full at any %s says so, leaves nothing behind and can go on",
    async (_, calls, atLeast) => {
      let full = 0;
      await disturbEachCall(calls, "error=ENOSPC", ({ runFolder, stderr }) => {
        // The writer makes the folder for segments itself.
        if (stderr.includes("mkdir") && stderr.includes("/replay'")) return;
        expect(stderr).toBe("");
        full += journal(runFolder).full;
        expect(expectRestorable(runFolder)).toBe(checkpointsPerRun);
      });
      expect(full).toBeGreaterThanOrEqual(atLeast);
    },
    240_000,
  );

  test("has everything on the disk before it renames a folder, and the rename before it returns", async () => {
    const { runFolder, trace } = await runWriter(
      "-y",
      "-e",
      "trace=openat,mkdir,write,fsync,rename",
    );
    const calls = parseTrace(trace, runFolder);
    const volatile = new Set<string>();
    let renames = 0;
    for (const { call, path, target } of calls) {
      if (call === "rename" && path.includes("/.tmp-ckpt_")) {
        renames++;
        expect(within(volatile, path, "replay")).toEqual([]);
      }
      if (call === "write" && path === "completed") {
        expect(within(volatile, "checkpoints", "replay")).toEqual([]);
      }
      if (call === "fsync") volatile.delete(path);
      if (call === "write") volatile.add(path);
      if (call === "create" || call === "rename") volatile.add(dirname(target));
    }
    expect(renames).toBe(checkpointsPerRun);
  });
});

/** The paths that are, or lie in, one of the folders. */
function within(paths: Iterable<string>, ...folders: readonly string[]): string[] {
  return [...paths].filter((path) => folders.some((folder) => path.startsWith(folder)));
}

interface Call {
  readonly call: "create" | "write" | "fsync" | "rename";
  readonly path: string;
  readonly target: string;
}

/** The calls on paths in the run folder, in order; paths are relative to it. */
function parseTrace(trace: string, runFolder: string): Call[] {
  const calls: Call[] = [];
  const add = (call: Call["call"], path: string, target = path): void => {
    if (!path.startsWith(runFolder)) return;
    calls.push({ call, path: relative(runFolder, path), target: relative(runFolder, target) });
  };
  for (const line of trace.split("\n")) {
    const onFile = /(write|fsync)\(\d+<([^>]+)>/.exec(line);
    if (onFile) add(onFile[1] === "write" ? "write" : "fsync", onFile[2]!);
    const made = /(?:mkdir\(|openat\([^"]*)"([^"]+)"/.exec(line);
    if (made && (line.includes("mkdir(") || line.includes("O_CREAT"))) add("create", made[1]!);
    const renamed = /rename\("([^"]+)", "([^"]+)"\)/.exec(line);
    if (renamed) add("rename", renamed[1]!, renamed[2]!);
  }
  return calls;
}
