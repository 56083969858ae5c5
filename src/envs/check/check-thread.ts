import { Worker } from "node:worker_threads";
import { RunError } from "../../errors.ts";
import { CallBoard, type CheckEvent, type CheckTask } from "./check-task.ts";
import type { CheckReport, Finding } from "./finding.ts";

export interface CheckThreadOptions {
  readonly id: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly seconds: number;
  /** A single call that takes longer never returns. */
  readonly callTimeoutSeconds: number;
  readonly maxHeapMegabytes: number;
}

const LOOK_EVERY_MS = 100;

/** Examines an environment in a thread of its own, so that one that hangs, exits or eats memory is a finding, too. */
export async function checkInThread(options: CheckThreadOptions): Promise<CheckReport> {
  const start = performance.now();
  const board = CallBoard.allocate();
  const { id, steps, seconds } = options;
  const env = { id, options: options.options ?? {} };
  const workerData: CheckTask = { env, name: id, steps, seconds, board };
  const worker = new Worker(new URL("./check-worker.js", import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMegabytes },
  });
  const findings: Finding[] = [];
  try {
    return await new Promise<CheckReport>((resolve) => {
      const fail = (finding: Finding): void =>
        resolve({
          ...{ env: id, ok: false, findings: [...findings, finding] },
          figures: NO_FIGURES,
          seconds: (performance.now() - start) / 1000,
        });
      worker.on("message", (event: CheckEvent) => {
        if (event.type === "finding") findings.push(event.finding);
        else resolve(event.report);
      });
      const calls = new CallBoard(board);
      worker.on("error", (thrown) => fail(ended(calls, RunError.from(thrown).message)));
      worker.on("exit", (code) => fail(ended(calls, exitText(code))));
      const watch = new CallWatch(calls, 1000 * options.callTimeoutSeconds);
      const timer = setInterval(() => {
        if (watch.isHung(performance.now())) fail(hung(calls, options.callTimeoutSeconds));
      }, LOOK_EVERY_MS);
      worker.once("exit", () => clearInterval(timer));
    });
  } finally {
    await worker.terminate();
  }
}

const NO_FIGURES = {
  ...{ steps: 0, episodes: 0, meanEpisodeLength: null },
  ...{ stepMicros: null, resetMicros: null, bytesPerReset: null },
};

/** Whether the same call has been under way for too long; to be asked again and again. */
class CallWatch {
  readonly #calls: CallBoard;
  readonly #timeoutMs: number;
  #seen = -1;
  #since = 0;

  constructor(calls: CallBoard, timeoutMs: number) {
    this.#calls = calls;
    this.#timeoutMs = timeoutMs;
  }

  isHung(now: number): boolean {
    const { calls } = this.#calls;
    // Until the first call the thread is loading.
    if (calls !== this.#seen || calls === 0) this.#since = now;
    this.#seen = calls;
    return now - this.#since > this.#timeoutMs;
  }
}

function hung(calls: CallBoard, seconds: number): Finding {
  const { call, seed, step } = calls.place;
  return {
    severity: "error",
    check: "calls",
    what: `${call} has not returned for ${seconds} s`,
    where: { seed, step },
    fix: "look for a loop that does not end; a longer time can be given: --call-timeout",
  };
}

function exitText(code: number): string {
  // Node's own for an await that nothing can end.
  if (code === 13) return "it waits for something that never comes";
  return `the thread exited with code ${code}`;
}

function ended(calls: CallBoard, message: string): Finding {
  const { call, seed, step } = calls.place;
  const isMemory = /memory/i.test(message);
  return {
    severity: "error",
    check: isMemory ? "memory" : "calls",
    what: `the thread ended during ${call}: ${message}`,
    where: { seed, step },
    fix: isMemory
      ? "let go of what belongs to the last episode"
      : "an environment neither exits nor leaves rejections and errors behind",
  };
}
