import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { type EnvFailure, parseEnvFailure } from "../../src/envs/failure/env-failure.ts";
import { type Faults, writeFaultyTask } from "./faulty-task.ts";
import {
  type Ended,
  lastRecord,
  SMALL,
  scratchFolder,
  settings,
  startTrain,
  type TroupeProcess,
} from "./train-process.ts";

const TOTAL_STEPS = 600;

// Each test starts a process with three threads, some of which are killed and started again: seconds on
// an idle machine, several times that on a busy one.
const TIMEOUT = { timeout: 180_000 };

interface Trained {
  readonly run: TroupeProcess;
  readonly ended: Ended;
  readonly folder: string;
  /** The file of the task. */
  readonly task: string;
}

async function trainWith(
  context: TestContext,
  faults: Faults,
  more: Parameters<typeof settings>[0] = {},
): Promise<Trained> {
  const runDir = scratchFolder(context);
  const task = writeFaultyTask(runDir, "Faulty", faults);
  const restart = { "actors.restart.initialDelaySeconds": 0.05, "metrics.port": "off" };
  const flags = settings({ ...restart, ...more });
  const argv = [task, "--name", "run", "-n", String(TOTAL_STEPS), ...SMALL, ...flags];
  const run = startTrain(context, runDir, { argv });
  return { run, ended: await run.ended(), folder: join(runDir, "run"), task };
}

function expectCompleted({ run, ended }: Trained): void {
  expect(ended.code, ended.stderr).toBe(0);
  const completed = run.log.find(({ msg }) => msg === "run completed");
  expect(completed?.["envSteps"]).toBeGreaterThanOrEqual(TOTAL_STEPS);
}

const warnings = ({ run }: Trained): string[] =>
  run.log.flatMap(({ level, msg }) => (level >= 40 ? [msg] : []));

/** What went into replay must be finite, or these would not be. */
function lastLosses({ folder }: Trained): readonly number[] {
  const last = lastRecord(folder);
  return ["train/critic_loss", "train/actor_loss"].map((key) => last?.[key] ?? Number.NaN);
}

function savedFailures({ folder }: Trained): readonly EnvFailure[] {
  const saved = join(folder, "env-failures");
  const files = readdirSync(saved).sort();
  return files.map((file) => parseEnvFailure(readFileSync(join(saved, file), "utf8"), file));
}

describe("a user's environment", () => {
  test(
    "whose steps fail now and then is contained, and the run completes",
    TIMEOUT,
    async (context) => {
      const faults = [
        ["throw new Error('out of tune')", "out of tune"],
        ["observation[0] = NaN", "observation[0] NaN"],
        ["reward = Infinity", "reward Infinity"],
        ["observation = []", "0 numbers instead of 1"],
      ] as const;
      const step = faults.map(([fault], i) => `if (total % 97 === ${i}) ${fault}`).join("; ");
      const trained = await trainWith(context, { step });
      expectCompleted(trained);
      for (const [, reason] of faults) {
        const times = warnings(trained).filter((warning) => warning.includes(reason)).length;
        // At 600 steps at least; and never more than one for each time it was provoked.
        expect(times, reason).toBeGreaterThanOrEqual(6);
        expect(times, reason).toBeLessThanOrEqual(7);
      }
      for (const loss of lastLosses(trained)) expect(Number.isFinite(loss)).toBe(true);
      // Each of them was said with its task, step and seed, and can be repeated.
      const failures = savedFailures(trained);
      expect(failures.length).toBe(20);
      for (const { message, seed, step, actions } of failures) {
        expect(message).toMatch(`Faulty: `);
        expect(message).toMatch(` at step ${step} (seed ${seed}, episode `);
        expect(actions).toHaveLength(step);
        expect(warnings(trained).some((warning) => warning.endsWith(message))).toBe(true);
      }
    },
  );

  test("that always throws ends the run with a sentence about it", TIMEOUT, async (context) => {
    const trained = await trainWith(
      context,
      { step: "throw new Error('out of tune')" },
      { "actors.restart.breakerFailures": 2 },
    );
    expect(trained.ended.code).toBe(1);
    expect(trained.ended.stderr).toMatch(/error: every actor keeps crashing.*Faulty.*out of tune/);
    expect(trained.ended.stderr).not.toMatch(/^\s+at /m);
  });

  test(
    "whose reset throws crashes its actor, which restarts with backoff until given up",
    TIMEOUT,
    async (context) => {
      const trained = await trainWith(
        context,
        { reset: "if (total >= 20) throw new Error('no more episodes')" },
        { "actors.restart.breakerFailures": 4 },
      );
      expect(trained.ended.code).toBe(1);
      const pauses = warnings(trained).flatMap(
        (line) => /restarts in (\d+) ms/.exec(line)?.[1] ?? [],
      );
      expect(pauses).toEqual(["50", "100", "200"]);
      expect(warnings(trained)).toContainEqual(expect.stringContaining("given up"));
      expect(trained.ended.stderr).toMatch(/error: .*Faulty.*no more episodes/);
      const info = JSON.parse(readFileSync(join(trained.folder, "run.json"), "utf8"));
      expect(info).toMatchObject({ status: "failed", error: expect.stringContaining("Faulty") });
      // What was learned by then is kept.
      expect(existsSync(join(trained.folder, "checkpoints", "last"))).toBe(true);
    },
  );

  test("that hangs has its actor replaced", TIMEOUT, async (context) => {
    const trained = await trainWith(
      context,
      {
        make: "if (!isMainThread && once('make')) for (;;);",
        reset: "if (total >= 40 && once('reset')) for (;;);",
        step: "if (total === 150 && once('step')) for (;;);",
      },
      { "actors.stepTimeoutSeconds": 3 },
    );
    expectCompleted(trained);
    const hung = (where: string, pause: number) =>
      expect.stringMatching(
        `^actor 0: ${trained.task} has not returned from a step or reset for 3 s: ${where}; restarts in ${pause} ms$`,
      );
    expect(warnings(trained)).toEqual([
      hung("making it", 50),
      hung("the reset \\(seed \\d+, episode 3\\)", 100),
      hung("step \\d+ \\(seed \\d+, episode \\d+\\)", 200),
    ]);
    // The two that there is something to repeat of.
    const failures = savedFailures(trained);
    expect(failures.map(({ during }) => during)).toEqual(["reset", "step"]);
    for (const { message, env } of failures) {
      expect(message).toContain("has not returned");
      expect(env.id).toBe(trained.task);
    }
  });

  test("that ends its thread has its actor replaced", TIMEOUT, async (context) => {
    const trained = await trainWith(context, {
      step:
        "if (total === 150 && once('exit')) process.exit(3);" +
        "if (total === 100 && once('reject')) void Promise.reject(new Error('adrift'));",
    });
    expectCompleted(trained);
    expect(warnings(trained)).toEqual([
      expect.stringMatching(/^actor 0: .*Faulty.mjs: adrift; restarts in 50 ms/),
      expect.stringMatching(
        /^actor 0: .*Faulty.mjs: .* exited with code: 3: step \d+ \(seed \d+, episode \d+\); restarts in 100 ms$/,
      ),
    ]);
  });

  test(
    "that one of two actors has lost for good leaves the other to finish",
    TIMEOUT,
    async (context) => {
      const trained = await trainWith(
        context,
        // The thread that came first dies at its 50th step, in every life.
        {
          step: "globalThis.doomed ??= once('first'); if (globalThis.doomed && total === 50) process.exit(1)",
        },
        { "actors.count": 2, "actors.restart.breakerFailures": 1 },
      );
      expectCompleted(trained);
      expect(warnings(trained)).toEqual([expect.stringMatching(/given up/)]);
    },
  );

  test(
    "that throws once more between two lives of its actor does not end the run",
    TIMEOUT,
    async (context) => {
      const late = "setTimeout(() => { throw new Error('too late'); }, 30)";
      const trained = await trainWith(
        context,
        { reset: `if (total >= 40 && once('reset')) { ${late}; throw new Error('no reset'); }` },
        { "actors.restart.initialDelaySeconds": 0.5 },
      );
      expectCompleted(trained);
      expect(warnings(trained)).toEqual([expect.stringMatching(/no reset .*; restarts/)]);
    },
  );

  // Evaluations open two environments in one thread, the actor one.
  test.for([
    ["throws", "throw new Error('stage fright')", "stage fright"],
    ["hangs", "for (;;);", "has not returned"],
  ] as const)(
    "that %s in evaluations costs these, and no policy counts as best",
    TIMEOUT,
    async ([, fault, reason], context) => {
      const trained = await trainWith(
        context,
        { step: `if (made >= 2) ${fault}` },
        {
          "evaluation.interval": 300,
          "evaluation.episodes": 2,
          "actors.stepTimeoutSeconds": 3,
          "checkpoint.intervalSteps": 200,
        },
      );
      expectCompleted(trained);
      expect(warnings(trained).length).toBe(2);
      for (const warning of warnings(trained)) expect(warning).toMatch(reason);
      expect(existsSync(join(trained.folder, "checkpoints", "best"))).toBe(false);
      for (const { message, during, step, actions } of savedFailures(trained)) {
        expect(message).toMatch(reason);
        expect([during, step, actions.length]).toEqual(["step", 1, 1]);
      }
      expect(savedFailures(trained)).toHaveLength(2);
    },
  );
});
