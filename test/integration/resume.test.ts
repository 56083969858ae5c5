import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { records, SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

// A process that reads a checkpoint, trains for a moment and writes another: seconds on a busy machine.
const TIMEOUT = { timeout: 180_000 };
const ARGV = [
  "PointMass-v0",
  ...["--name", "run", "-n", "1000000"],
  ...SMALL,
  ...settings({ "checkpoint.intervalSteps": 300, "checkpoint.keep": 3 }),
];

const lines = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n");
const info = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "run.json"), "utf8")) as Readonly<Record<string, unknown>>;

/** Trains until some checkpoints are written, then stops it. */
async function interrupt(context: TestContext, runDir: string, signal: NodeJS.Signals) {
  const run = startTrain(context, runDir, { argv: ARGV });
  const folder = join(runDir, "run");
  await run.until("1500 steps", () => (records(folder).at(-1)?.["step"] ?? 0) > 1_500);
  run.kill(signal);
  return { folder, ended: await run.ended() };
}

function expectStopped({ folder, ended }: Awaited<ReturnType<typeof interrupt>>, code: number) {
  expect(ended.code, ended.stderr).toBe(code);
  const last = readFileSync(join(folder, "checkpoints", "last"), "utf8").trim();
  const { envSteps, learnerSteps, status } = info(folder);
  expect(last).toBe(`ckpt_${String(learnerSteps).padStart(9, "0")}_${envSteps}`);
  expect(status).toBe("interrupted");
  const record = { step: envSteps, "train/n_updates": learnerSteps };
  expect(records(folder).at(-1)).toMatchObject(record);
}

test("SIGTERM stops a run with a checkpoint and exit code 75", TIMEOUT, async (context) => {
  expectStopped(await interrupt(context, scratchFolder(context), "SIGTERM"), 75);
});

describe("a run that was stopped by SIGINT", () => {
  const template = mkdtempSync(join(tmpdir(), "troupe-integration-"));
  let stopped: Awaited<ReturnType<typeof interrupt>>;

  // The run that the tests go on with, each from a copy of its own.
  beforeAll(async () => {
    const kills: (() => Promise<void>)[] = [];
    const context = { onTestFinished: (kill: () => Promise<void>) => kills.push(kill) };
    stopped = await interrupt(context as unknown as TestContext, template, "SIGINT");
    for (const kill of kills) await kill();
  }, 180_000);

  afterAll(() => rmSync(template, { recursive: true, force: true }));

  function copyOfRun(context: TestContext): { readonly runDir: string; readonly folder: string } {
    const runDir = scratchFolder(context);
    cpSync(template, runDir, { recursive: true });
    return { runDir, folder: join(runDir, "run") };
  }

  /** Steps at which it is and at which it shall end. */
  function steps(folder: string): { readonly before: number; readonly total: number } {
    const before = Number(info(folder)["envSteps"]);
    return { before, total: before + 1_000 };
  }

  test("has a checkpoint and ended with exit code 130", () => expectStopped(stopped, 130));

  test(
    "goes on with counters, curves and replay, and logs what changed",
    TIMEOUT,
    async (context) => {
      const { runDir, folder } = copyOfRun(context);
      const earlier = records(folder);
      const { before, total } = steps(folder);
      const argv = [
        "--resume",
        "latest",
        "-n",
        String(total),
        ...settings({ "checkpoint.keep": 2 }),
      ];
      const run = startTrain(context, runDir, { argv });
      const ended = await run.ended();
      expect(ended.code, ended.stderr).toBe(0);
      const messages = run.log.map(({ msg }) => msg);
      expect(messages).toContain(`configuration changed: totalSteps: 1000000 -> ${total}`);
      expect(messages).toContain("configuration changed: checkpoint.keep: 3 -> 2");
      expect(messages).toContainEqual(expect.stringContaining(`from step ${before} to ${total}`));

      const all = records(folder);
      expect(all.slice(0, earlier.length)).toEqual(earlier);
      const later = all.slice(earlier.length);
      expect(later.length).toBeGreaterThan(0);
      for (const key of ["step", "train/n_updates", "time/episodes", "replay/added"]) {
        const values = all.flatMap((record) => record[key] ?? []);
        expect(values, key).toEqual([...values].sort((a, b) => a - b));
      }
      // Replay holds what it held: nothing was lost or taken in twice.
      const last = all.at(-1);
      expect(last?.["step"]).toBeGreaterThanOrEqual(total);
      expect(last?.["replay/size"]).toBe(last?.["step"]);
      expect(last?.["replay/added"]).toBe(last?.["step"]);
      const rows = lines(join(folder, "progress.csv"));
      expect(rows.filter((row) => row.startsWith("step,"))).toHaveLength(1);
      expect(rows.slice(1).map((row) => Number(row.split(",")[0]))).toEqual(
        all.map(({ step }) => step),
      );
      expect(info(folder)).toMatchObject({ status: "done", term: 2 });
    },
  );

  test(
    "refuses a change that would make it another run, and changes nothing",
    TIMEOUT,
    async (context) => {
      const { runDir, folder } = copyOfRun(context);
      const config = readFileSync(join(folder, "config.yaml"), "utf8");
      const argv = [
        "--resume",
        "run",
        ...settings({ "replay.capacity": 30_000, "algorithm.tau": 0.1 }),
      ];
      const ended = await startTrain(context, runDir, { argv }).ended();
      expect(ended.code).toBe(2);
      expect(ended.stderr).toContain("replay.capacity: 20000 -> 30000 (needs a new run)");
      expect(readFileSync(join(folder, "config.yaml"), "utf8")).toBe(config);
      expect(info(folder)).toMatchObject({ status: "interrupted", term: 1 });
    },
  );

  test("is not overwritten by one with its name", TIMEOUT, async (context) => {
    const { runDir, folder } = copyOfRun(context);
    const ended = await startTrain(context, runDir, { argv: ARGV }).ended();
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/error: .*run already exists; go on with it by --resume run/);
    expect(info(folder)).toMatchObject({ status: "interrupted", term: 1 });
  });

  test("is refused while it is in use", TIMEOUT, async (context) => {
    const { runDir } = copyOfRun(context);
    const first = startTrain(context, runDir, { argv: ["--resume", "run"] });
    await first.untilLogged("from step");
    const second = await startTrain(context, runDir, { argv: ["--resume", "run"] }).ended();
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/error: .*run is in use by process \d+/);
    first.kill("SIGINT");
    expect((await first.ended()).code).toBe(130);
  });

  test(
    "is started by --resume auto when there is none, and gone on with the next time",
    TIMEOUT,
    async (context) => {
      const runDir = scratchFolder(context);
      const argv = [...ARGV, "--resume", "auto"];
      const first = await startTrain(context, runDir, { argv: [...argv, "-n", "400"] }).ended();
      expect(first.code, first.stderr).toBe(0);
      const run = startTrain(context, runDir, { argv: [...argv, "-n", "800"] });
      expect((await run.ended()).code, run.stderr).toBe(0);
      expect(run.log.map(({ msg }) => msg)).toContainEqual(
        expect.stringMatching(/from step 40\d to/),
      );
      expect(info(join(runDir, "run"))).toMatchObject({ status: "done", term: 2 });
    },
  );

  test(
    "goes on from the one before, loudly, when the newest checkpoint is damaged",
    TIMEOUT,
    async (context) => {
      const { runDir, folder } = copyOfRun(context);
      const [newest, older] = checkpoints(folder);
      flipByte(join(folder, "checkpoints", newest, "learner.safetensors"));
      const { total } = steps(folder);
      const argv = ["--resume", "latest", "-n", String(total)];
      const run = startTrain(context, runDir, { argv });
      expect((await run.ended()).code, run.stderr).toBe(0);
      const warnings = run.log.filter(({ level }) => level === 40).map(({ msg }) => msg);
      expect(warnings).toEqual([
        expect.stringMatching(new RegExp(`${newest} is damaged .* going on from ${older}`)),
      ]);
      // What was recorded after the older one is recorded anew.
      const recorded = records(folder).map(({ step }) => step ?? 0);
      expect(recorded).toEqual([...recorded].sort((a, b) => a - b));
      expect(records(folder).at(-1)?.["replay/size"]).toBe(recorded.at(-1));
    },
  );

  test("says so in one sentence when every checkpoint is damaged", TIMEOUT, async (context) => {
    const { runDir, folder } = copyOfRun(context);
    for (const name of checkpoints(folder)) {
      flipByte(join(folder, "checkpoints", name, "learner.safetensors"));
    }
    const before = contents(folder);
    const ended = await startTrain(context, runDir, { argv: ["--resume", "latest"] }).ended();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^error: no checkpoint is intact: ckpt_.*$/m);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(contents(folder)).toEqual(before);
  });
});

/** Full checkpoints, the newest first. */
function checkpoints(folder: string): [string, string, ...string[]] {
  const names = readdirSync(join(folder, "checkpoints")).filter((name) => name.startsWith("ckpt_"));
  const [newest, older, ...rest] = names.sort().reverse();
  if (newest === undefined || older === undefined) throw new Error(`checkpoints: ${names}`);
  return [newest, older, ...rest];
}

/** What must not be touched when a run cannot go on: its curves, checkpoints and replay. */
function contents(folder: string): Readonly<Record<string, string>> {
  const kept = ["checkpoints", "replay", "tb", "monitor", "metrics.jsonl", "progress.csv"];
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => kept.some((start) => name.startsWith(start)));
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(folder, name), "latin1")]),
  );
}

function flipByte(path: string): void {
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  const position = 1_000;
  readSync(file, byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0xff;
  writeSync(file, byte, 0, 1, position);
  closeSync(file);
}
