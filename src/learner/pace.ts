import type { RateLimiter } from "../replay/rate-limiter.ts";

/**
 * Who goes next: whether the learner takes in unrolls or draws a batch. Two implementations, the rate
 * limiter for speed and turn-taking for bit-exact runs.
 */
export interface Pace {
  /** May an unroll of `rows` transitions be inserted now? */
  mayInsert(rows: number): boolean;
  /** May a batch be drawn now? */
  maySample(): boolean;
  onInsert(rows: number): void;
  onSample(): void;
  /** An actor's turn is complete. */
  onTurnEnd(): void;
  /** In one line: who waits for what. */
  explain(): string;
}

/** Actors and learner run freely within the limiter's band. */
export class FreePace implements Pace {
  readonly #limiter: RateLimiter;
  readonly #batchSize: number;

  constructor(limiter: RateLimiter, batchSize: number) {
    this.#limiter = limiter;
    this.#batchSize = batchSize;
  }

  mayInsert(rows: number): boolean {
    return this.#limiter.canInsert(rows);
  }

  maySample(): boolean {
    return this.#limiter.canSample(this.#batchSize);
  }

  onInsert(rows: number): void {
    this.#limiter.inserted(rows);
  }

  onSample(): void {
    this.#limiter.sampled(this.#batchSize);
  }

  onTurnEnd(): void {}

  explain(): string {
    return JSON.stringify(this.#limiter.explain());
  }
}
