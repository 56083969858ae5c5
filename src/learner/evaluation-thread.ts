import { Piscina } from "piscina";
import type { EpisodeResult } from "./evaluation.ts";
import type { EvaluationTask } from "./evaluation-task.ts";

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
  readonly #abort = new AbortController();

  /** @throws RunError ENV_FAILED when the task diverges; AbortError after disposal. */
  run(task: EvaluationTask): Promise<EpisodeResult[]> {
    return this.#threads.run(task, { signal: this.#abort.signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#threads.destroy();
  }
}
