import { TaskThread } from "../../threads/task-thread.ts";
import type {
  Farewell,
  GatewayControl,
  GatewayEvent,
  GatewaySetup,
  LearnerProgress,
} from "./gateway-task.ts";

export type ReadyEvent = Extract<GatewayEvent, { type: "ready" }>;

/** What a thread that closes may take beyond its grace time, for its last writes, before it is ended. */
const LATE_MS = 2_000;

/** The gateway's thread, seen from the main thread. */
export class GatewayThread implements AsyncDisposable {
  /** Settles when the gateway has closed; rejects with what made it fail. */
  readonly finished: Promise<void>;
  readonly #thread: TaskThread<GatewayControl, GatewaySetup, GatewayEvent, void>;
  #isEnded = false;

  constructor(task: GatewaySetup, onEvent: (event: GatewayEvent) => void) {
    const worker = new URL("./gateway-worker.js", import.meta.url);
    this.#thread = new TaskThread({ worker, name: "runGateway", task, onEvent });
    this.finished = this.#thread.finished;
    const ended = (): void => {
      this.#isEnded = true;
    };
    this.finished.then(ended, ended);
  }

  /** Resolves when calls are answered; rejects when the gateway fails before that. */
  ready(): Promise<ReadyEvent> {
    return this.#thread.ready();
  }

  /** For `troupe status` and for health; a few times a second. */
  report(progress: LearnerProgress): void {
    if (!this.#isEnded) this.#thread.control.report(progress).catch(() => undefined);
  }

  /** Answers a "checkpoint" event. */
  checkpointed(...answer: Parameters<GatewayControl["checkpointed"]>): void {
    if (!this.#isEnded) this.#thread.control.checkpointed(...answer).catch(() => undefined);
  }

  /**
   * Tells every actor, stops taking frames, flushes the log, closes; a thread that does not manage within
   * the grace time is ended. Never rejects: `finished` does.
   */
  async close(farewell: Farewell): Promise<void> {
    if (!this.#isEnded) this.#thread.control.close(farewell).catch(() => undefined);
    await this.#thread.end(farewell.graceMs + LATE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ kind: "draining", message: "the learner stops", graceMs: 0 });
    await this.#thread[Symbol.asyncDispose]();
  }
}
