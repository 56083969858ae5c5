import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 100;
const MOST_MS = 800;
const GROWTH = 1.6;
/** Each pause is up to this share longer or shorter, lest a fleet come back in step. */
const JITTER = 0.2;

/** Pauses between attempts: 100 ms, growing to 0.8 s, so that a learner that is back is found within 1 s. */
export class Backoff {
  readonly #random: () => number;
  #next = FIRST_MS;

  /** @param random Uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  reset(): void {
    this.#next = FIRST_MS;
  }

  /** Waits, `leastMs` or more but for the jitter, or returns early when `signal` is aborted. */
  async pause(signal: AbortSignal, leastMs = 0): Promise<void> {
    const jitter = 1 + JITTER * (2 * this.#random() - 1);
    const pauseMs = Math.max(this.#next, leastMs) * jitter;
    this.#next = Math.min(this.#next * GROWTH, MOST_MS);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
