import {
  type Normaliser,
  normalise,
  RunningStatistics,
  type StatisticsState,
} from "../math/running-statistics.ts";
import { numberRows, type Unroll } from "../protocol.ts";
import type { ReplayBatch } from "../replay/batch.ts";

/**
 * What the learner does to observations between replay, which holds them raw, and the update.
 * Two implementations: nothing, and running mean and standard deviation.
 */
export interface ObservationNormalizer {
  readonly normalizes: boolean;
  /** Takes in the observations of an unroll that reached replay. */
  observe(unroll: Unroll): void;
  /** Normalises the batch in place, with the statistics of this moment. */
  apply(batch: ReplayBatch): void;
  /** Writes normalised `rows`, [n, observation size], to `out`. */
  normalize(rows: Float32Array, out: Float32Array): void;
  /** [2, observation size]: mean, then scale, as shipped with the weights. */
  published(): Float32Array;
  state(): StatisticsState | null;
}

export class RawObservations implements ObservationNormalizer {
  readonly normalizes = false;
  readonly #identity: Float32Array;

  constructor(observationSize: number) {
    this.#identity = new Float32Array(2 * observationSize).fill(1, observationSize);
  }

  observe(): void {}

  apply(): void {}

  normalize(rows: Float32Array, out: Float32Array): void {
    out.set(rows);
  }

  published(): Float32Array {
    return this.#identity;
  }

  state(): null {
    return null;
  }
}

export class NormalizedObservations implements ObservationNormalizer {
  readonly normalizes = true;
  readonly #statistics: RunningStatistics;
  #frozen: Normaliser | undefined;

  constructor(observationSize: number, state: StatisticsState | null) {
    this.#statistics = state
      ? RunningStatistics.fromState(state)
      : new RunningStatistics(observationSize);
  }

  observe(unroll: Unroll): void {
    const rows = unroll.length * this.#statistics.size;
    this.#statistics.add(unroll.observations.subarray(0, rows));
    this.#frozen = undefined;
  }

  apply(batch: ReplayBatch): void {
    const frozen = this.#current();
    for (const column of [batch.observations, batch.nextObservations]) {
      const rows = numberRows(column);
      normalise(frozen, rows, rows);
    }
  }

  normalize(rows: Float32Array, out: Float32Array): void {
    normalise(this.#current(), rows, out);
  }

  published(): Float32Array {
    const { mean, scale } = this.#current();
    const both = new Float32Array(2 * mean.length);
    both.set(mean);
    both.set(scale, mean.length);
    return both;
  }

  state(): StatisticsState {
    return this.#statistics.state();
  }

  #current(): Normaliser {
    this.#frozen ??= this.#statistics.freeze();
    return this.#frozen;
  }
}
