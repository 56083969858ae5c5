import { Piscina } from "piscina";
import { Heartbeat, hungMessage, Watchdog } from "../actors/heartbeat.ts";
import { RunError } from "../errors.ts";
import { fromThreadResult, type ThreadResult } from "../threads/thread-result.ts";
import type { EpisodeResult } from "./evaluation.ts";
import type { EvaluationTask } from "./evaluation-task.ts";

const WATCHDOG_INTERVAL_MS = 250;

/** Evaluates policies beside the run, one at a time, in a thread that goes when it is idle. */
export class EvaluationThread implements AsyncDisposable {
  readonly #threads = new Piscina({
    filename: new URL("./evaluation-worker.js", import.meta.url).href,
    name: "runEvaluation",
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 1_000,
    atomics: "disabled",
  });
  readonly #stepTimeoutMs: number;
  readonly #disposal = new AbortController();
  #before: Promise<unknown> = Promise.resolve();

  /** @param stepTimeoutMs A step that takes longer is a hang: the thread is ended. */
  constructor(stepTimeoutMs: number) {
    this.#stepTimeoutMs = stepTimeoutMs;
  }

  /** @throws RunError ENV_FAILED when the task diverges, fails or hangs; AbortError after disposal. */
  run(task: Omit<EvaluationTask, "heartbeat">): Promise<readonly EpisodeResult[]> {
    // Never queued in the pool: it forgets what waits behind a task that is aborted.
    const result = this.#before.then(() => this.#runAlone(task));
    this.#before = result.catch(() => undefined);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal.abort();
    await this.#before;
    await this.#threads.destroy();
  }

  async #runAlone(task: Omit<EvaluationTask, "heartbeat">): Promise<readonly EpisodeResult[]> {
    const heartbeat = new Heartbeat(Heartbeat.allocate());
    const watchdog = new Watchdog(heartbeat, this.#stepTimeoutMs);
    const hung = new AbortController();
    const timer = setInterval(() => {
      if (watchdog.isHung(performance.now())) hung.abort();
    }, WATCHDOG_INTERVAL_MS);
    try {
      const complete: EvaluationTask = { ...task, heartbeat: heartbeat.memory };
      const result: ThreadResult<readonly EpisodeResult[]> = await this.#threads.run(complete, {
        signal: AbortSignal.any([this.#disposal.signal, hung.signal]),
      });
      return fromThreadResult(result);
    } catch (thrown) {
      if (!hung.signal.aborted) throw thrown;
      throw new RunError("ENV_FAILED", hungMessage(task.env.id, this.#stepTimeoutMs));
    } finally {
      clearInterval(timer);
    }
  }
}
