/** Everything needed to continue; plain JSON. */
export interface StatisticsState {
  readonly count: number;
  /** [size]. */
  readonly mean: readonly number[];
  /** Sum of squared deviations from the mean, [size]. */
  readonly squares: readonly number[];
}

/** `clip((x - mean) * scale, -clip, clip)`: statistics frozen in float32, as shipped with weights. */
export interface Normaliser {
  /** [size]. */
  readonly mean: Float32Array;
  /** 1 / standard deviation, [size]. */
  readonly scale: Float32Array;
  readonly clip: number;
}

export interface NormaliserOptions {
  /** Bound on the normalised value. */
  readonly clip: number;
  /** Added to the variance, so that a constant feature becomes 0 and not NaN. */
  readonly epsilon: number;
}

/** Source: VecNormalize of Stable-Baselines3. */
export const defaultNormaliserOptions: NormaliserOptions = { clip: 10, epsilon: 1e-8 };

/**
 * Mean and variance of each feature over all rows seen, mergeable across threads.
 *
 * Sums are float64 and deviations are taken from the running mean, so a million rows far from zero
 * lose nothing. Source: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for
 * computing sample variances", equation 2.1.
 */
export class RunningStatistics {
  readonly size: number;
  #count = 0;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.#mean = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  /** @throws RangeError when the state has not one mean and one square per feature. */
  static fromState(state: StatisticsState): RunningStatistics {
    const size = state.mean.length;
    if (state.squares.length !== size) throw new RangeError("statistics of two sizes");
    const statistics = new RunningStatistics(size);
    statistics.#count = state.count;
    statistics.#mean.set(state.mean);
    statistics.#squares.set(state.squares);
    return statistics;
  }

  state(): StatisticsState {
    return { count: this.#count, mean: [...this.#mean], squares: [...this.#squares] };
  }

  /** Rows seen. */
  get count(): number {
    return this.#count;
  }

  /** Mean of feature `i`; 0 before the first row. */
  mean(i: number): number {
    return this.#mean[i]!;
  }

  /** Population variance of feature `i`; 1 before the first row. */
  variance(i: number): number {
    return this.#count === 0 ? 1 : this.#squares[i]! / this.#count;
  }

  /**
   * Takes in `rows`, [n, size] row-major, finite.
   * @throws RangeError when the length is not a multiple of `size`.
   */
  add(rows: ArrayLike<number>): void {
    const { size } = this;
    if (rows.length % size !== 0) throw new RangeError(`${rows.length} numbers, rows of ${size}`);
    for (let row = 0; row < rows.length; row += size) {
      this.#count++;
      for (let i = 0; i < size; i++) {
        const deviation = rows[row + i]! - this.#mean[i]!;
        const mean = this.#mean[i]! + deviation / this.#count;
        this.#mean[i] = mean;
        this.#squares[i]! += deviation * (rows[row + i]! - mean);
      }
    }
  }

  /**
   * Takes in all rows that `other` has seen.
   * @throws RangeError when the sizes differ.
   */
  merge(other: RunningStatistics): void {
    if (other.size !== this.size) throw new RangeError(`merging size ${other.size}`);
    if (other.#count === 0) return;
    const count = this.#count + other.#count;
    const share = other.#count / count;
    for (let i = 0; i < this.size; i++) {
      const deviation = other.#mean[i]! - this.#mean[i]!;
      this.#squares[i]! += other.#squares[i]! + deviation * deviation * this.#count * share;
      this.#mean[i]! += deviation * share;
    }
    this.#count = count;
  }

  /** A frozen copy to normalise with; the identity, but for the clip, before the first row. */
  freeze(options: NormaliserOptions = defaultNormaliserOptions): Normaliser {
    const mean = Float32Array.from(this.#mean);
    const scale = new Float32Array(this.size);
    for (let i = 0; i < this.size; i++) {
      scale[i] = this.#count === 0 ? 1 : 1 / Math.sqrt(this.variance(i) + options.epsilon);
    }
    return { mean, scale, clip: options.clip };
  }
}

/**
 * Writes normalised `rows`, [n, size], to `out`, which may be `rows` itself.
 *
 * Each operation is rounded to float32, as the exported policy's graph does, so both agree bit for bit.
 */
export function normalise(normaliser: Normaliser, rows: Float32Array, out: Float32Array): void {
  const { mean, scale, clip } = normaliser;
  const size = mean.length;
  for (let row = 0; row < rows.length; row += size) {
    for (let i = 0; i < size; i++) {
      const value = Math.fround(rows[row + i]! - mean[i]!) * scale[i]!;
      out[row + i] = Math.min(Math.max(value, -clip), clip);
    }
  }
}
