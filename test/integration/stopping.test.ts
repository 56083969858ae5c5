import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { type Faults, writeFaultyTask } from "./faulty-task.ts";
import { SMALL, scratchFolder, settings, startTrain, type TroupeProcess } from "./train-process.ts";

// The start of a process and its threads takes seconds on a busy machine.
const TIMEOUT = { timeout: 180_000 };
/**
 * Two seconds are promised on cores that are free; what a run must not wait for takes several times as long as
 * this, so that a busy machine is no failure.
 */
const PROMPT_MS = 10_000;
const NAP = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)";

interface Started {
  readonly run: TroupeProcess;
  readonly folder: string;
}

function start(
  context: TestContext,
  faults: Faults,
  more: Parameters<typeof settings>[0] = {},
): Started {
  const runDir = scratchFolder(context);
  const task = writeFaultyTask(runDir, "Task", faults);
  const argv = [task, "--name", "run", "-n", "1000000", ...SMALL, ...settings(more)];
  return { run: startTrain(context, runDir, { argv }), folder: join(runDir, "run") };
}

const hasCheckpoint = ({ folder }: Started): boolean =>
  existsSync(join(folder, "checkpoints", "last"));

describe("Ctrl-C stops at once", () => {
  test("while actors warm up", TIMEOUT, async (context) => {
    const started = start(
      context,
      {},
      { "algorithm.learningStarts": 900_000, "replay.capacity": 2_000_000 },
    );
    await started.run.untilLogged("from the start");
    started.run.kill("SIGINT");
    const ended = await started.run.ended();
    expect(ended.code, ended.stderr).toBe(130);
    expect(ended.milliseconds).toBeLessThan(PROMPT_MS);
    expect(hasCheckpoint(started)).toBe(true);
  });

  test("while the learner waits for a slow environment", TIMEOUT, async (context) => {
    // 50 steps at once, then five a second: learning has begun, and its debt is soon paid.
    const slow = { step: `if (total > 50) ${NAP}` };
    const started = start(context, slow, { "algorithm.learningStarts": 20 });
    await started.run.until("the first nap", () => {
      const info = join(started.folder, "metrics.jsonl");
      return existsSync(info) && /"train\/n_updates":[1-9]/.test(readFileSync(info, "utf8"));
    });
    started.run.kill("SIGINT");
    const ended = await started.run.ended();
    expect(ended.code, ended.stderr).toBe(130);
    // A turn of eight steps may take 1.6 s, of which the actor is not robbed.
    expect(ended.milliseconds).toBeLessThan(PROMPT_MS + 1_600);
    expect(hasCheckpoint(started)).toBe(true);
  });

  test("while the run is being put together", TIMEOUT, async (context) => {
    const { run, folder } = start(context, {});
    await run.until("the run folder", () => existsSync(join(folder, "run.json")));
    run.kill("SIGINT");
    const ended = await run.ended();
    expect(ended.code, ended.stderr).toBe(130);
    expect(ended.milliseconds).toBeLessThan(PROMPT_MS);
  });

  test("while actors are all between two lives", TIMEOUT, async (context) => {
    const { run } = start(
      context,
      { step: "if (total === 200) process.exit(1)" },
      { "actors.restart.initialDelaySeconds": 30 },
    );
    await run.untilLogged("restarts in 30000 ms");
    run.kill("SIGINT");
    const ended = await run.ended();
    expect(ended.code, ended.stderr).toBe(130);
    expect(ended.milliseconds).toBeLessThan(PROMPT_MS);
  });

  test("the second time, whatever goes on", TIMEOUT, async (context) => {
    const { run, folder } = start(context, {
      step: "if (total === 200 && once('hang')) for (;;);",
    });
    await run.until("the hang", () => existsSync(join(folder, "..", "Task.mjs.hang")));
    run.kill("SIGINT");
    await run.until("the notice", () => run.stderr.includes("Ctrl-C again ends at once"));
    run.kill("SIGINT");
    const ended = await run.ended();
    expect(ended.code, ended.stderr).toBe(130);
    expect(ended.milliseconds).toBeLessThan(1_500);
  });
});

test(
  "SIGTERM stops within 10 s, with a checkpoint, although a step never ends",
  TIMEOUT,
  async (context) => {
    const started = start(context, { step: "if (total === 200 && once('hang')) for (;;);" });
    const { run, folder } = started;
    await run.until("the hang", () => existsSync(join(folder, "..", "Task.mjs.hang")));
    run.kill("SIGTERM");
    const ended = await run.ended();
    expect(ended.code, ended.stderr).toBe(75);
    expect(ended.milliseconds).toBeLessThan(10_000);
    expect(hasCheckpoint(started)).toBe(true);
  },
);
