import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type Remote, releaseProxy, wrap } from "comlink";
import { Piscina } from "piscina";
import { comlinkPort } from "./comlink-port.ts";
import { fromThreadResult, type ThreadResult } from "./thread-result.ts";

/** The ports that a thread's task has besides its data: calls come in by one, events go out by the other. */
export interface TaskPorts {
  readonly control: MessagePort;
  readonly events: MessagePort;
}

type Ready<Event> = Extract<Event, { readonly type: "ready" }>;

export interface TaskThreadOptions<Task, Event> {
  /** The compiled worker, and which of its exports runs the task. */
  readonly worker: URL;
  readonly name: string;
  readonly task: Task;
  readonly onEvent: (event: Event) => void;
}

/** One long task in a thread of its own, seen from outside: calls to it, events from it, and its end. */
export class TaskThread<Control, Task, Event extends { readonly type: string }, Result>
  implements AsyncDisposable
{
  /** Settles with the task; rejects with what it threw. */
  readonly finished: Promise<Result>;
  readonly control: Remote<Control>;
  readonly #threads: Piscina;
  readonly #channels: readonly [MessageChannel, MessageChannel];
  readonly #abort = new AbortController();
  readonly #ready: Promise<Ready<Event>>;
  readonly #name: string;

  constructor({ worker, name, task, onEvent }: TaskThreadOptions<Task, Event>) {
    const [control, events] = [new MessageChannel(), new MessageChannel()];
    this.#name = name;
    this.#channels = [control, events];
    this.control = wrap<Control>(comlinkPort(control.port1));
    this.#ready = new Promise((resolve) => {
      events.port1.on("message", (event: Event) => {
        if (event.type === "ready") resolve(event as Ready<Event>);
        onEvent(event);
      });
    });
    this.#threads = new Piscina({
      filename: worker.href,
      name,
      // With any more, a thread whose task is aborted would be replaced, and ended again while it loads.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: "disabled",
    });
    const complete: Task & TaskPorts = { ...task, control: control.port2, events: events.port2 };
    const result: Promise<ThreadResult<Result>> = this.#threads.run(complete, {
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

  /** Resolves with the event "ready"; rejects when the task fails or returns before that. */
  ready(): Promise<Ready<Event>> {
    const failed = this.finished.then(() => {
      throw new Error(`${this.#name} returned before it was ready`);
    });
    return Promise.race([this.#ready, failed]);
  }

  /** Waits for the end; after so long the thread is ended, whatever it does. Never rejects. */
  async end(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#abort.abort(), graceMs);
    await this.finished.catch(() => undefined);
    clearTimeout(timer);
  }

  /** After the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.control[releaseProxy]();
    for (const { port1 } of this.#channels) port1.close();
    await this.#threads.destroy();
  }
}
