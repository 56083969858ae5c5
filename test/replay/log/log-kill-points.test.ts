import { execFile, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CheckpointStore } from "../../../src/learner/checkpoint/checkpoint-store.ts";
import { LogArchive } from "../../../src/replay/log/log-archive.ts";
import { SealBarrier } from "../../../src/replay/log/seal-barrier.ts";
import { Replay } from "../../../src/replay/replay.ts";
import { encodeUnroll } from "../../../src/replay/unroll-codec.ts";
import { skipBecause } from "../../skip-because.ts";
import { openLog } from "./log-scenario.ts";
import { OPTIONS, unrollOf } from "./numbered-unrolls.mjs";

/**
 * strace stops a gateway and learner at their N-th system call of one kind, N = 1, 2, … until they get
 * through; after each the run is restored. It counts the calls of each thread: one
 * thread of the pool makes those of the log, the learner those of the checkpoint.
 *
 * By default a few N of the main kinds are tried; TROUPE_TEST_ALL_KILL_POINTS=1 tries all.
 */
const writer = fileURLToPath(new URL("./write-log.mjs", import.meta.url));
const UNROLLS = 40;
const MOST_CALLS = 200;
const ALL = process.env["TROUPE_TEST_ALL_KILL_POINTS"] === "1";
const TRIES = ALL ? MOST_CALLS : 3;

const LONGEST_MS = ALL ? 900_000 : 400_000;

const PWRITE = "pwrite64,?pwritev,?pwritev2";
const RENAME = "?rename,?renameat,?renameat2";

const root = mkdtempSync(join(tmpdir(), "troupe-kill-log-"));
/** A run that was killed: with checkpoints, sealed segments, and one that was open. */
let crashed = "";
let runs = 0;

afterAll(() => rmSync(root, { recursive: true }));

interface Outcome {
  readonly runFolder: string;
  readonly disturbed: boolean;
  readonly stderr: string;
}

function newRun(): string {
  const folder = join(root, String(runs++));
  cpSync(crashed, folder, { recursive: true });
  return folder;
}

function runWriter(runFolder: string, ...inject: readonly string[]): Promise<Outcome> {
  const tracePath = join(runFolder, "trace");
  const command = [process.execPath, writer, runFolder, String(UNROLLS)];
  // Not with --seccomp-bpf: strace 6.1 then forgets what it has counted.
  const options = ["-f", "-o", tracePath, ...inject, ...command];
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1", UV_USE_IO_URING: "0" };
  return new Promise((resolve) => {
    const child = execFile("strace", options, { env, timeout: 120_000 }, (_, __, stderr) => {
      const trace = readFileSync(tracePath, "utf8");
      const killed = child.signalCode === "SIGKILL" || trace.includes("killed by SIGKILL");
      resolve({ runFolder, disturbed: killed || trace.includes("(INJECTED)"), stderr });
    });
  });
}

/** The greatest number in a journal, 0 when there is none. */
function last(runFolder: string, journal: string): number {
  const path = join(runFolder, journal);
  return existsSync(path) ? Math.max(0, ...readFileSync(path, "utf8").split("\n").map(Number)) : 0;
}

/** Everything that was reported is there: checkpoint, then log, each unroll once and in its place. */
async function expectRestorable(runFolder: string): Promise<number> {
  const restored = new CheckpointStore({ runFolder, keep: 1 }).restore();
  const folder = join(runFolder, "replay");
  const archive = new LogArchive(folder, new SealBarrier(SealBarrier.allocate()));
  const replay = restored ? archive.restore(OPTIONS, restored.json["replay"]) : new Replay(OPTIONS);
  const cut = replay.ring.position.nextBlock;
  expect(restored?.warnings ?? []).toEqual([]);
  expect(cut).toBeGreaterThanOrEqual(last(runFolder, "checkpoints.log"));
  const obvious = new Replay(OPTIONS);
  for (let i = 0; i < cut; i++) obvious.insert(unrollOf(i));
  expect(replay.digest()).toBe(obvious.digest());

  await using opened = await openLog(folder, { cut });
  const { log, recovered } = opened;
  expect(recovered.end).toBeGreaterThanOrEqual(last(runFolder, "durable"));
  if (recovered.end > 0)
    expect(recovered.cursors[0]).toMatchObject({ slot: 0, next: recovered.end });
  let index = cut;
  for (const unroll of log.unrolls(cut, recovered.end)) {
    const payload = Buffer.from(encodeUnroll(unrollOf(index), OPTIONS));
    expect(unroll).toEqual({ index, slot: 0, incarnation: 1, sequence: index, payload });
    index += 1;
  }
  expect(index).toBe(recovered.end);
  return recovered.end;
}

/** The N to try when there are `count`: all, or as many as the time allows, spread evenly. */
function sample(count: number): number[] {
  const tries = Math.min(count, TRIES);
  return Array.from(
    { length: tries },
    (_, i) => 1 + Math.round((i * (count - 1)) / (tries - 1 || 1)),
  );
}

const counts = new Map<string, number>();

/** How many of the calls the busiest thread makes in a run that nothing disturbs. */
async function countCalls(calls: string): Promise<number> {
  const known = counts.get(calls);
  if (known !== undefined) return known;
  const { runFolder, stderr } = await runWriter(newRun(), "-e", `trace=${calls}`);
  expect(stderr).toBe("");
  const perThread = new Map<string, number>();
  for (const line of readFileSync(join(runFolder, "trace"), "utf8").split("\n")) {
    const [, thread = "", call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (call !== undefined) perThread.set(thread, (perThread.get(thread) ?? 0) + 1);
  }
  const count = Math.max(0, ...perThread.values());
  counts.set(calls, count);
  return count;
}

async function disturb(
  calls: string,
  fault: string,
  check: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  const numbers = sample(await countCalls(calls));
  expect(numbers.length).toBeGreaterThan(1);
  let disturbed = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const pair = numbers.slice(i, i + 2).map((n) => {
      return runWriter(
        newRun(),
        "-e",
        `trace=${calls}`,
        "-e",
        `inject=${calls}:${fault}:when=${n}`,
      );
    });
    for (const outcome of await Promise.all(pair)) {
      // How often it syncs depends on how its work falls together, so the last may not come.
      if (outcome.disturbed) disturbed += 1;
      else expect(outcome.stderr).toBe("");
      await check(outcome);
      rmSync(outcome.runFolder, { recursive: true });
    }
  }
  // The first call there is always; of all N, most.
  expect(disturbed).toBeGreaterThanOrEqual(ALL ? numbers.length / 2 : 1);
}

describe("the frame log", () => {
  beforeAll(() => {
    crashed = join(root, "crashed");
    cpSync(mkdtempSync(join(root, "empty-")), crashed, { recursive: true });
    const inject = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:signal=KILL:when=3"];
    const command = [process.execPath, writer, crashed, "15"];
    const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
    spawnSync("strace", ["-f", "-o", "/dev/null", ...inject, ...command], { env });
  }, 60_000);

  beforeEach((context) => {
    const options = ["-f", "-e", "trace=fsync", "-o", "/dev/null", "true"];
    const probe = spawnSync("strace", options);
    if (probe.error) skipBecause("strace is not installed", context);
    if (probe.status !== 0) skipBecause(`strace cannot trace here: ${probe.stderr}`, context);
  });

  // Each of these starts a dozen processes under strace, hence the long limits.
  test.each([
    ["fdatasync", "fdatasync"],
    ["fsync", "fsync"],
    ["rename", RENAME],
    ["write", PWRITE],
    ["unlink", "?unlink,?unlinkat,?rmdir"],
  ])(
    "killed at any %s keeps what was reported durable",
    async (_, calls) => {
      await disturb(calls, "signal=KILL", async ({ runFolder }) => {
        await expectRestorable(runFolder);
      });
    },
    LONGEST_MS,
  );

  const rest: [string, string, string][] = [
    ["write", "EIO", PWRITE],
    ["fdatasync", "ENOSPC", "fdatasync"],
    ["fsync", "ENOSPC", "fsync"],
    ["rename", "ENOSPC", RENAME],
  ];
  test.each([
    ["write", "ENOSPC", PWRITE],
    ["fdatasync", "EIO", "fdatasync"],
    ["fsync", "EIO", "fsync"],
    ["rename", "EIO", RENAME],
    ...(ALL ? rest : []),
  ])(
    "goes on by itself after a %s that fails with %s",
    async (_, error, calls) => {
      await disturb(calls, `error=${error}`, async ({ runFolder, stderr }) => {
        // At the start, before anything runs, a failing disk is the run's failure.
        const end = await expectRestorable(runFolder);
        if (stderr === "") expect(end).toBe(UNROLLS);
      });
    },
    LONGEST_MS,
  );
});
