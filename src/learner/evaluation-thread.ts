import { Piscina } from "piscina";
import { Heartbeat, hungMessage, Watchdog } from "../actors/heartbeat.ts";
import { BlackBox, failureIn } from "../envs/failure/black-box.ts";
import { type EnvFailure, placeOfFailure } from "../envs/failure/env-failure.ts";
import { RunError } from "../errors.ts";
import { StopFlag } from "../threads/stop-flag.ts";
import { fromThreadResult, type ThreadResult } from "../threads/thread-result.ts";
import type { EpisodeResult } from "./evaluation.ts";
import type { EvaluationTask } from "./evaluation-task.ts";

const WATCHDOG_INTERVAL_MS = 250;
/** After disposal, a step that takes longer is not waited for. */
const STEP_GRACE_MS = 1000;

type Evaluation = Omit<EvaluationTask, "heartbeat" | "stop" | "blackBoxes">;

/**
 * Evaluates policies beside the run, one at a time, in a thread that goes when it is idle.
 *
 * On disposal an evaluation under way ends by itself before its next step. Its thread is ended from outside
 * only while environments' code runs: in the middle of loading modules or in ONNX Runtime, Node 20 would
 * abort the whole process.
 */
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
  readonly #onEnvFailure: (failure: EnvFailure) => void;
  readonly #stop = new StopFlag(StopFlag.allocate());
  #before: Promise<unknown> = Promise.resolve();

  /** @param stepTimeoutMs A step that takes longer is a hang: the thread is ended. */
  constructor(stepTimeoutMs: number, onEnvFailure: (failure: EnvFailure) => void) {
    this.#stepTimeoutMs = stepTimeoutMs;
    this.#onEnvFailure = onEnvFailure;
  }

  /** @throws RunError ENV_FAILED when the task diverges, fails or hangs; AbortError after disposal. */
  run(task: Evaluation): Promise<readonly EpisodeResult[]> {
    // Never queued in the pool: it forgets what waits behind a task that is aborted.
    const result = this.#before.then(() => this.#runAlone(task));
    this.#before = result.catch(() => undefined);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.raise();
    await this.#before;
    await this.#threads.destroy();
  }

  async #runAlone(task: Evaluation): Promise<readonly EpisodeResult[]> {
    this.#stop.throwIfAborted();
    const heartbeat = new Heartbeat(Heartbeat.allocate());
    const blackBoxes = Array.from(
      { length: task.episodes },
      () => new BlackBox(BlackBox.allocate()),
    );
    const watchdog = new Watchdog(heartbeat, this.#stepTimeoutMs);
    const impatient = new Watchdog(heartbeat, STEP_GRACE_MS);
    const hung = new AbortController();
    const timer = setInterval(() => {
      const now = performance.now();
      const isSlow = impatient.isHung(now);
      if (watchdog.isHung(now) || (isSlow && this.#stop.aborted)) hung.abort();
    }, WATCHDOG_INTERVAL_MS);
    try {
      const complete: EvaluationTask = {
        ...task,
        heartbeat: heartbeat.memory,
        stop: this.#stop.memory,
        blackBoxes: blackBoxes.map(({ memory }) => memory),
      };
      const result: ThreadResult<readonly EpisodeResult[]> = await this.#threads.run(complete, {
        signal: hung.signal,
      });
      return fromThreadResult(result);
    } catch (thrown) {
      this.#stop.throwIfAborted();
      const error = hung.signal.aborted ? this.#hung(task, blackBoxes) : thrown;
      const { message } = RunError.from(error);
      const { id, options } = task.env;
      const failure = failureIn(blackBoxes, { message, env: { id, options } });
      if (failure) this.#onEnvFailure(failure);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  #hung({ env }: Evaluation, blackBoxes: readonly BlackBox[]): RunError {
    const message = hungMessage(env.id, this.#stepTimeoutMs);
    const failure = failureIn(blackBoxes, { message, env });
    const where = failure ? placeOfFailure(failure) : "making it";
    return new RunError("ENV_FAILED", `${message}: ${where}`);
  }
}
