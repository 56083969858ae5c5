import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { findRun, listRuns } from "../../src/learner/find-run.ts";
import { RunFolder } from "../../src/learner/run-folder.ts";
import {
  type RunStart,
  readRunConfig,
  readRunInfo,
  runName,
  runPaths,
} from "../../src/learner/run-info.ts";
import { readSourceState } from "../../src/learner/source-state.ts";
import { isLocked, RunLock } from "../../src/storage/run-lock.ts";

const temporary = (): string => mkdtempSync(join(tmpdir(), "runs-"));

function start(dir: string, name: string, more: Parameters<typeof parseConfig>[0] = {}): RunStart {
  return {
    config: parseConfig({ ...(more as object), run: { dir, name } }),
    machine: { cpus: 2, memoryBytes: 1e9 },
    commandLine: ["troupe", "train", "Hopper-v5"],
    now: new Date("2026-01-02T03:04:05Z"),
  };
}

describe("RunFolder", () => {
  test("is made complete, and says what it is of", async () => {
    const dir = temporary();
    const began = start(dir, "first", { env: { id: "Hopper-v5" }, seed: 7 });
    using folder = RunFolder.create(began);
    expect(folder.path).toBe(join(dir, "first"));
    expect(readRunInfo(folder.path)).toMatchObject({
      id: "first",
      status: "running",
      env: "Hopper-v5",
      seed: 7,
      term: 1,
      createdAt: "2026-01-02T03:04:05.000Z",
      envSteps: 0,
      best: null,
    });
    expect(await readRunConfig(folder.path)).toEqual(began.config);
    for (const path of ["tb", "monitor", "checkpoints"]) {
      expect(existsSync(join(folder.path, path))).toBe(true);
    }
    expect(readdirSync(dir)).toEqual(["first"]);
  });

  test("is not made over one that is there", () => {
    const dir = temporary();
    mkdirSync(join(dir, "first"));
    writeFileSync(join(dir, "first", "thesis.txt"), "dear");
    expect(() => RunFolder.create(start(dir, "first"))).toThrow(
      expect.objectContaining({
        code: "RUN_EXISTS",
        message: expect.stringMatching(/already exists; go on with it by --resume first, or/),
      }),
    );
    expect(readFileSync(join(dir, "first", "thesis.txt"), "utf8")).toBe("dear");
    expect(readdirSync(dir)).toEqual(["first"]);
  });

  test("goes on with a higher term, its progress and the new configuration", async () => {
    const dir = temporary();
    let path = "";
    {
      using folder = RunFolder.create(start(dir, "first"));
      path = folder.path;
      folder.update({ envSteps: 50, best: { meanReturn: 3, envSteps: 40 }, status: "interrupted" });
    }
    using again = RunFolder.resume(path, start(dir, "first", { totalSteps: 2e6 }));
    expect(again.term).toBe(2);
    expect(again.info).toMatchObject({
      envSteps: 50,
      best: { meanReturn: 3 },
      status: "running",
      term: 2,
    });
    expect((await readRunConfig(path)).totalSteps).toBe(2e6);
  });

  test("says so when there is no run to resume", () => {
    const dir = temporary();
    expect(() => RunFolder.resume(dir, start(dir, "x"))).toThrow(
      expect.objectContaining({ code: "RUN_NOT_FOUND" }),
    );
  });

  test("stops an overtaken learner from writing", () => {
    const dir = temporary();
    using folder = RunFolder.create(start(dir, "first"));
    writeFileSync(join(folder.path, "terms", "2.json"), JSON.stringify({ pid: 1, host: "other" }));
    expect(() => folder.update({ envSteps: 1 })).toThrow(
      expect.objectContaining({
        code: "RUN_LOCKED",
        message: expect.stringContaining("process 1 on other"),
      }),
    );
    expect(readRunInfo(folder.path).envSteps).toBe(0);
  });

  test("has a readable name of its own by default", () => {
    const config = parseConfig({ env: { id: "dm_control/cheetah-run" }, seed: 3 });
    const now = new Date(2026, 0, 2, 3, 4, 5);
    expect(runName(config, now)).toBe("dm-control-cheetah-run__sac__3__20260102-030405");
    expect(runName(parseConfig({ env: { id: "../x.mjs" } }), now)).toMatch(/^x\.mjs__sac__1__/);
  });
});

/** A process that takes the lock and then does nothing. */
async function holder(folder: string): Promise<ChildProcess> {
  const script = `
    const { RunLock } = await import(${JSON.stringify(join(process.cwd(), "dist/storage/run-lock.js"))});
    RunLock.acquire(${JSON.stringify(folder)});
    console.log("held");
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`it ended with ${code} before it held the lock`);
  });
  await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => {});
  return child;
}

describe("RunLock", () => {
  // Another process has to start, on a machine that may be busy.
  const starts = { timeout: 90_000 };
  test(
    "keeps a second learner out while the first lives, and lets it in when it was killed",
    starts,
    async () => {
      const folder = temporary();
      const first = await holder(folder);
      expect(isLocked(folder)).toBe(true);
      expect(() => RunLock.acquire(folder)).toThrow(
        expect.objectContaining({
          code: "RUN_LOCKED",
          message: expect.stringContaining(`process ${first.pid} on ${hostname()}`),
        }),
      );
      first.kill("SIGKILL");
      await once(first, "exit");
      expect(isLocked(folder)).toBe(false);
      using lock = RunLock.acquire(folder);
      expect(lock.term).toBe(2);
    },
  );

  test("is not held for a later process with the number of a dead one", () => {
    const folder = temporary();
    mkdirSync(join(folder, "terms"));
    const ghost = { pid: process.pid, host: hostname(), processStart: 1, released: false };
    writeFileSync(join(folder, "terms", "4.json"), JSON.stringify(ghost));
    using lock = RunLock.acquire(folder);
    expect(lock.term).toBe(5);
  });

  test("believes a holder on another machine as long as it gives signs of life", () => {
    const folder = temporary();
    mkdirSync(join(folder, "terms"));
    const file = join(folder, "terms", "1.json");
    writeFileSync(
      file,
      JSON.stringify({ pid: 1, host: "elsewhere", processStart: 1, released: false }),
    );
    expect(() => RunLock.acquire(folder)).toThrow(expect.objectContaining({ code: "RUN_LOCKED" }));
    const old = new Date(Date.now() - 120_000);
    utimesSync(file, old, old);
    using lock = RunLock.acquire(folder);
    expect(lock.term).toBe(2);
  });

  test("is free after a clean end, and counts on", () => {
    const folder = temporary();
    for (const term of [1, 2, 3]) {
      using lock = RunLock.acquire(folder);
      expect(lock.term).toBe(term);
    }
    expect(isLocked(folder)).toBe(false);
    expect(readdirSync(join(folder, "terms"))).toEqual(["3.json"]);
  });

  test("forgets a holder that was cut off while it wrote its name", () => {
    const folder = temporary();
    mkdirSync(join(folder, "terms"));
    writeFileSync(join(folder, "terms", "1.json"), '{"pid":');
    using lock = RunLock.acquire(folder);
    expect(lock.term).toBe(2);
  });
});

describe("findRun", () => {
  test("knows runs by name, by path and the latest, and guesses at a typing error", () => {
    const dir = temporary();
    for (const [i, name] of ["early", "later"].entries()) {
      const now = new Date(2026, 0, 1 + i);
      RunFolder.create({ ...start(dir, name), now })[Symbol.dispose]();
    }
    mkdirSync(join(dir, "damaged"));
    writeFileSync(runPaths(join(dir, "damaged")).info, "{");
    writeFileSync(runPaths(join(dir, "damaged")).config, "");
    expect(listRuns(dir).map(({ info }) => info.id)).toEqual(["later", "early"]);
    expect(findRun(dir, "early")).toBe(join(dir, "early"));
    expect(findRun("elsewhere", join(dir, "early"))).toBe(join(dir, "early"));
    expect(findRun(dir, "latest")).toBe(join(dir, "later"));
    expect(() => findRun(dir, "erly")).toThrow(
      /there is no run erly in .* \(did you mean early\?\)/,
    );
  });

  test("says so when there are none", () => {
    expect(listRuns("/nowhere")).toEqual([]);
    expect(() => findRun("/nowhere", "latest")).toThrow(
      expect.objectContaining({ code: "RUN_NOT_FOUND" }),
    );
  });
});

describe("readSourceState", () => {
  test("knows commit and uncommitted changes", () => {
    const repository = temporary();
    expect(readSourceState(repository)).toBeUndefined();
    const file = join(repository, "a.txt");
    const git = (...argv: string[]) =>
      spawnSync("git", argv, { cwd: repository, encoding: "utf8" });
    git("init", "--quiet");
    writeFileSync(file, "one\n");
    git("add", "a.txt");
    git("-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "--quiet", "-m", "m");
    expect(readSourceState(repository)).toMatchObject({
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      diff: "",
    });
    appendFileSync(file, "two\n");
    expect(readSourceState(repository)?.diff).toContain("+two");
  });
});
