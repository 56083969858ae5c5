import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { type Remote, releaseProxy, wrap } from "comlink";
import { Piscina } from "piscina";
import { comlinkPort } from "../actors/comlink-port.ts";
import { RunError } from "../errors.ts";
import { fromThreadResult, type ThreadResult } from "../thread-result.ts";
import { ringDoorbell } from "../transport/in-process.ts";
import type {
  EvaluationScore,
  LearnerControl,
  LearnerEvent,
  LearnerResult,
  LearnerTask,
} from "./learner-task.ts";

export type ReadyEvent = Extract<LearnerEvent, { type: "ready" }>;

/** How long a stopping learner may take for its last update and checkpoint, on a slow disk. */
const STOP_GRACE_MS = 60_000;

/** The learner's thread, seen from the main thread. */
export class LearnerThread implements AsyncDisposable {
  /** Settles with the thread's task; rejects with what it threw. */
  readonly finished: Promise<LearnerResult>;
  readonly #threads: Piscina;
  readonly #control: Remote<LearnerControl>;
  readonly #channels: readonly [MessageChannel, MessageChannel];
  readonly #abort = new AbortController();
  readonly #ready: Promise<ReadyEvent>;
  #doorbell: SharedArrayBuffer | undefined;
  #released = false;

  constructor(
    task: Omit<LearnerTask, "control" | "events">,
    onEvent: (event: LearnerEvent) => void,
  ) {
    const [control, events] = [new MessageChannel(), new MessageChannel()];
    this.#channels = [control, events];
    this.#control = wrap<LearnerControl>(comlinkPort(control.port1));
    this.#ready = new Promise((resolve) => {
      events.port1.on("message", (event: LearnerEvent) => {
        if (event.type === "ready") {
          this.#doorbell = event.memory.doorbell;
          resolve(event);
        }
        onEvent(event);
      });
    });
    this.#threads = new Piscina({
      filename: new URL("./learner-worker.js", import.meta.url).href,
      name: "runLearner",
      minThreads: 1,
      maxThreads: 1,
      atomics: "disabled",
    });
    const complete: LearnerTask = { ...task, control: control.port2, events: events.port2 };
    const result: Promise<ThreadResult<LearnerResult>> = this.#threads.run(complete, {
      transferList: [control.port2, events.port2],
      signal: this.#abort.signal,
    });
    // The thread closes the port when it has said everything; the result comes by another, and may be first.
    const heard = once(events.port1, "close");
    this.finished = result.then(async (outcome) => {
      await heard;
      return fromThreadResult(outcome);
    });
    this.finished.catch(() => undefined);
  }

  /** Resolves when the learner can take unrolls; rejects when it fails before that. */
  ready(): Promise<ReadyEvent> {
    const failed = this.finished.then(() => {
      throw new Error("the learner returned before it was ready");
    });
    return Promise.race([this.#ready, failed]);
  }

  /** Who waits for whom; rejects when the thread has ended. */
  explain(): Promise<unknown> {
    return this.#ask(() => this.#control.explain());
  }

  /** Writes a checkpoint between two updates; its name. Rejects when the thread has ended. */
  checkpoint(): Promise<string> {
    return this.#ask(() => this.#control.checkpoint());
  }

  /** Answers an "evaluate" event; too late an answer goes nowhere. */
  evaluated(score: EvaluationScore): void {
    if (this.#released) return;
    this.#control.evaluated(score).catch(() => undefined);
    this.#wake();
  }

  /** Asks for a last checkpoint and an orderly return; a thread that does not manage is ended. */
  async stop(): Promise<void> {
    this.#control.stop().catch(() => undefined);
    this.#wake();
    const timer = setTimeout(() => this.#abort.abort(), STOP_GRACE_MS);
    await this.finished.catch(() => undefined);
    clearTimeout(timer);
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
    this.#control[releaseProxy]();
    for (const { port1 } of this.#channels) port1.close();
    await this.#threads.destroy();
  }
}
