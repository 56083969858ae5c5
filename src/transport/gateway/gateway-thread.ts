import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { type Remote, releaseProxy, wrap } from "comlink";
import { Piscina } from "piscina";
import { comlinkPort } from "../../actors/comlink-port.ts";
import { fromThreadResult, type ThreadResult } from "../../thread-result.ts";
import type {
  Farewell,
  GatewayControl,
  GatewayEvent,
  GatewaySetup,
  GatewayTask,
  LearnerProgress,
} from "./gateway-task.ts";

export type ReadyEvent = Extract<GatewayEvent, { type: "ready" }>;

/** What a thread that closes may take beyond its grace time, for its last writes, before it is ended. */
const LATE_MS = 2_000;

/** The gateway's thread, seen from the main thread. */
export class GatewayThread implements AsyncDisposable {
  /** Settles when the gateway has closed; rejects with what made it fail. */
  readonly finished: Promise<void>;
  readonly #threads: Piscina;
  readonly #control: Remote<GatewayControl>;
  readonly #channels: readonly [MessageChannel, MessageChannel];
  readonly #abort = new AbortController();
  readonly #ready: Promise<ReadyEvent>;
  #isEnded = false;

  constructor(task: GatewaySetup, onEvent: (event: GatewayEvent) => void) {
    const [control, events] = [new MessageChannel(), new MessageChannel()];
    this.#channels = [control, events];
    this.#control = wrap<GatewayControl>(comlinkPort(control.port1));
    this.#ready = new Promise((resolve) => {
      events.port1.on("message", (event: GatewayEvent) => {
        if (event.type === "ready") resolve(event);
        onEvent(event);
      });
    });
    this.#threads = new Piscina({
      filename: new URL("./gateway-worker.js", import.meta.url).href,
      name: "runGateway",
      minThreads: 1,
      maxThreads: 1,
      atomics: "disabled",
    });
    const complete: GatewayTask = { ...task, control: control.port2, events: events.port2 };
    const result: Promise<ThreadResult<void>> = this.#threads.run(complete, {
      transferList: [control.port2, events.port2],
      signal: this.#abort.signal,
    });
    // The thread closes the port when it has said everything; the result comes by another, and may be first.
    const heard = once(events.port1, "close");
    this.finished = result.then(async (outcome) => {
      await heard;
      fromThreadResult(outcome);
    });
    const ended = (): void => {
      this.#isEnded = true;
    };
    this.finished.then(ended, ended);
  }

  /** Resolves when calls are answered; rejects when the gateway fails before that. */
  ready(): Promise<ReadyEvent> {
    const failed = this.finished.then(() => {
      throw new Error("the gateway returned before it was ready");
    });
    return Promise.race([this.#ready, failed]);
  }

  /** For `troupe status` and for health; a few times a second. */
  report(progress: LearnerProgress): void {
    if (!this.#isEnded) this.#control.report(progress).catch(() => undefined);
  }

  /** Answers a "checkpoint" event. */
  checkpointed(...answer: Parameters<GatewayControl["checkpointed"]>): void {
    if (!this.#isEnded) this.#control.checkpointed(...answer).catch(() => undefined);
  }

  /**
   * Tells every actor, stops taking frames, flushes the log, closes; a thread that does not manage within
   * the grace time is ended. Never rejects: `finished` does.
   */
  async close(farewell: Farewell): Promise<void> {
    if (!this.#isEnded) this.#control.close(farewell).catch(() => undefined);
    const timer = setTimeout(() => this.#abort.abort(), farewell.graceMs + LATE_MS);
    await this.finished.catch(() => undefined);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ kind: "draining", message: "the learner stops", graceMs: 0 });
    this.#control[releaseProxy]();
    for (const { port1 } of this.#channels) port1.close();
    await this.#threads.destroy();
  }
}
