/** Pauses between beats while something moves, while it might, and while there is nothing to do. */
const [LEAST_MS, MOST_MS, IDLE_MS] = [2, 10, 50];

export interface Beat {
  /** Returns whether anything moved. */
  readonly beat: () => boolean;
  /** Whether something may move by itself before the next `wake`. */
  readonly isBusy: () => boolean;
}

/**
 * Looks after what shared memory cannot wake a thread for, without `Atomics.wait`, which would block it: often
 * while things move, rarely else.
 */
export class PulseTimer implements Disposable {
  readonly #beat: Beat;
  #pauseMs = LEAST_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(beat: Beat) {
    this.#beat = beat;
    this.#schedule();
  }

  /** Something came in: beats soon. */
  wake(): void {
    if (this.#pauseMs === LEAST_MS) return;
    this.#pauseMs = LEAST_MS;
    this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.#onTime(), this.#pauseMs);
  }

  #onTime(): void {
    const moved = this.#beat.beat();
    if (!this.#beat.isBusy()) this.#pauseMs = IDLE_MS;
    else this.#pauseMs = moved ? LEAST_MS : Math.min(2 * this.#pauseMs, MOST_MS);
    this.#schedule();
  }
}
