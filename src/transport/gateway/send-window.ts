/** Frames of one actor that may be under way, whatever the rates. */
export const LEAST_WINDOW = 2;
export const MOST_WINDOW = 64;

/** Rates are measured over this long, and follow changes within a few times of it. */
const INTERVAL_MS = 100;
const SMOOTHING = 0.4;

/**
 * How many frames each actor may have under way: together about what the learner takes in `windowSeconds`,
 *
 *     window = clamp(ceil(rate windowSeconds / actors), 2, 64)
 *
 * so that frames do not grow old in queues, and a slow learner slows its actors rather than filling memory.
 * It grows by itself: a window that holds actors back is emptied faster than in `windowSeconds`.
 */
export class SendWindow {
  readonly #windowSeconds: number;
  #rate = 0;
  #taken = 0;
  #since: number;

  /** @param now Milliseconds. */
  constructor(windowSeconds: number, now: number) {
    this.#windowSeconds = windowSeconds;
    this.#since = now;
  }

  /** Frames the learner took since the last call. */
  took(frames: number, now: number): void {
    this.#taken += frames;
    const elapsed = now - this.#since;
    if (elapsed < INTERVAL_MS) return;
    const rate = this.#taken / (elapsed / 1000);
    // After a long silence the past counts for less.
    const weight = 1 - (1 - SMOOTHING) ** (elapsed / INTERVAL_MS);
    this.#rate += weight * (rate - this.#rate);
    this.#taken = 0;
    this.#since = now;
  }

  /** @param actors Number of actors that are connected. */
  size(actors: number): number {
    const share = Math.ceil((this.#rate * this.#windowSeconds) / Math.max(actors, 1));
    return Math.min(Math.max(share, LEAST_WINDOW), MOST_WINDOW);
  }
}
