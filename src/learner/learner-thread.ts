import { RunError } from "../errors.ts";
import { TaskThread } from "../threads/task-thread.ts";
import { ringDoorbell } from "../transport/in-process.ts";
import type {
  EvaluationScore,
  LearnerControl,
  LearnerEvent,
  LearnerResult,
  LearnerTask,
} from "./learner-task.ts";

export type ReadyEvent = Extract<LearnerEvent, { type: "ready" }>;

/** A learner's task but for the ports of its thread. */
type LearnerSetup = Omit<LearnerTask, "control" | "events">;

/** How long a stopping learner may take for its last update and checkpoint, on a slow disk. */
const STOP_GRACE_MS = 60_000;

/** The learner's thread, seen from the main thread. */
export class LearnerThread implements AsyncDisposable {
  /** Settles with the thread's task; rejects with what it threw. */
  readonly finished: Promise<LearnerResult>;
  readonly #thread: TaskThread<LearnerControl, LearnerSetup, LearnerEvent, LearnerResult>;
  #doorbell: SharedArrayBuffer | undefined;
  #released = false;

  constructor(task: LearnerSetup, onEvent: (event: LearnerEvent) => void) {
    const worker = new URL("./learner-worker.js", import.meta.url);
    const hear = (event: LearnerEvent): void => {
      if (event.type === "ready") this.#doorbell = event.memory.doorbell;
      onEvent(event);
    };
    this.#thread = new TaskThread({ worker, name: "runLearner", task, onEvent: hear });
    this.finished = this.#thread.finished;
  }

  /** Resolves when the learner can take unrolls; rejects when it fails before that. */
  ready(): Promise<ReadyEvent> {
    return this.#thread.ready();
  }

  /** Who waits for whom; rejects when the thread has ended. */
  explain(): Promise<unknown> {
    return this.#ask(() => this.#thread.control.explain());
  }

  /** Writes a checkpoint between two updates; its name. Rejects when the thread has ended. */
  checkpoint(): Promise<string> {
    return this.#ask(() => this.#thread.control.checkpoint());
  }

  /** Answers an "evaluate" event; too late an answer goes nowhere. */
  evaluated(score: EvaluationScore): void {
    if (this.#released) return;
    this.#thread.control.evaluated(score).catch(() => undefined);
    this.#wake();
  }

  /** Asks for a last checkpoint and an orderly return; a thread that does not manage is ended. */
  async stop(): Promise<void> {
    this.#thread.control.stop().catch(() => undefined);
    this.#wake();
    await this.#thread.end(STOP_GRACE_MS);
  }

  #ask<T>(question: () => Promise<T>): Promise<T> {
    // A call to a thread that has ended never settles.
    const ended = this.finished.then(() => {
      throw new RunError("INTERNAL", "the learner has ended");
    });
    const answer = question();
    this.#wake();
    return Promise.race([answer, ended]);
  }

  /** Cuts the learner's wait for unrolls short, so that it listens. */
  #wake(): void {
    if (this.#doorbell) ringDoorbell(this.#doorbell);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#released = true;
    await this.#thread[Symbol.asyncDispose]();
  }
}
