import type { RateLimiter } from "../replay/rate-limiter.ts";

/**
 * Who goes next: whether the learner takes in unrolls or draws a batch. Two implementations, the rate
 * limiter for speed and turn-taking for bit-exact runs.
 */
export interface Pace {
  /** Whether publishing a policy is the actor's permission for its next turn. */
  readonly grantsTurns: boolean;
  /** Nothing is half done: a checkpoint here can be continued exactly. */
  readonly atBoundary: boolean;
  /** May an unroll of `rows` transitions be inserted now? */
  mayInsert(rows: number): boolean;
  /** May a batch be drawn now? */
  maySample(): boolean;
  onInsert(rows: number): void;
  onSample(): void;
  /** An actor's turn is complete. */
  onTurnEnd(): void;
  onPublish(): void;
}

/** Actors and learner run freely within the limiter's band. */
export class FreePace implements Pace {
  readonly grantsTurns = false;
  readonly atBoundary = true;
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

  onPublish(): void {}
}

/**
 * Deterministic mode: one actor and the learner take turns.
 *
 *     actor: T steps   learner: the updates that these steps owe   publish   actor: T steps   ...
 *
 * Transitions beyond the warm-up owe `samplesPerInsert` draws each. The limiter still counts, so that it
 * can be read and restored, but decides nothing.
 */
export class TurnPace implements Pace {
  readonly grantsTurns = true;
  readonly #limiter: RateLimiter;
  readonly #batchSize: number;
  #actorsTurn = false;

  constructor(limiter: RateLimiter, batchSize: number) {
    this.#limiter = limiter;
    this.#batchSize = batchSize;
  }

  get atBoundary(): boolean {
    return !this.#actorsTurn && !this.maySample();
  }

  mayInsert(): boolean {
    return true;
  }

  maySample(): boolean {
    if (this.#actorsTurn) return false;
    const { inserts, samples, minSize, samplesPerInsert } = this.#limiter;
    const owed = Math.max(0, inserts - minSize) * samplesPerInsert;
    return samples + this.#batchSize <= owed;
  }

  onInsert(rows: number): void {
    this.#limiter.inserted(rows);
  }

  onSample(): void {
    this.#limiter.sampled(this.#batchSize);
  }

  onTurnEnd(): void {
    this.#actorsTurn = false;
  }

  onPublish(): void {
    this.#actorsTurn = true;
  }
}
