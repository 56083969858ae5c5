import type { GatewayEvent } from "./gateway-task.ts";

type LogEvent = Extract<GatewayEvent, { type: "log" }>;

const WINDOW_MS = 1000;
const MOST_LINES = 20;

/** Lets through so many lines a second: what others do wrong must not fill a disk. */
export class LogThrottle {
  readonly #emit: (event: LogEvent) => void;
  readonly #now: () => number;
  #since: number;
  #lines = 0;

  constructor(emit: (event: LogEvent) => void, now: () => number) {
    this.#emit = emit;
    this.#now = now;
    this.#since = now();
  }

  log(event: LogEvent): void {
    this.flush();
    this.#lines++;
    if (this.#lines <= MOST_LINES) this.#emit(event);
  }

  /** Says how much was left out, once the second is over. */
  flush(): void {
    if (this.#now() - this.#since < WINDOW_MS) return;
    const leftOut = this.#lines - MOST_LINES;
    this.#since = this.#now();
    this.#lines = 0;
    if (leftOut <= 0) return;
    this.#emit({ type: "log", level: "warn", message: `${leftOut} more messages were left out` });
  }
}
