import type { RandomStream } from "../../math/random.ts";
import type { Rollout } from "./rollout.ts";

/** Buffers of one minibatch, [B] or [B, size]. */
export interface Minibatch {
  /** B. */
  readonly size: number;
  readonly observations: Float32Array;
  readonly actions: Float32Array;
  readonly logProbs: Float32Array;
  readonly advantages: Float32Array;
  readonly returns: Float32Array;
  readonly values: Float32Array;
}

export function createMinibatch(
  size: number,
  sizes: { readonly observationSize: number; readonly actionSize: number },
): Minibatch {
  const column = (): Float32Array => new Float32Array(size);
  return {
    size,
    observations: new Float32Array(size * sizes.observationSize),
    actions: new Float32Array(size * sizes.actionSize),
    ...{ logProbs: column(), advantages: column(), returns: column(), values: column() },
  };
}

/**
 * Every step of a rollout once, in random order, B at a time. The last minibatch is filled up from the
 * beginning of the same order.
 */
export class Minibatches {
  readonly #rollout: Rollout;
  readonly #order: Uint32Array;
  readonly #normalizes: boolean;

  constructor(rollout: Rollout, { normalizes }: { readonly normalizes: boolean }) {
    this.#rollout = rollout;
    this.#order = Uint32Array.from({ length: rollout.steps }, (_, i) => i);
    this.#normalizes = normalizes;
  }

  /** Puts the steps into a new order. Source: Fisher and Yates; Durstenfeld 1964. */
  shuffle(random: RandomStream): void {
    const order = this.#order;
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
    }
  }

  /** How many minibatches of `size` there are. */
  count(size: number): number {
    return Math.ceil(this.#rollout.steps / size);
  }

  /** Fills `batch` with minibatch `index`. */
  fill(batch: Minibatch, index: number): void {
    const { observations, actions, weights } = this.#rollout;
    const observationSize = batch.observations.length / batch.size;
    const actionSize = batch.actions.length / batch.size;
    for (let row = 0; row < batch.size; row++) {
      const step = this.#order[(index * batch.size + row) % this.#order.length] ?? 0;
      copyRow(observations, batch.observations, { from: step, to: row, size: observationSize });
      copyRow(actions, batch.actions, { from: step, to: row, size: actionSize });
      batch.logProbs[row] = this.#rollout.logProbs[step] ?? 0;
      batch.advantages[row] = this.#rollout.advantages[step] ?? 0;
      batch.returns[row] = this.#rollout.returns[step] ?? 0;
      batch.values[row] = this.#rollout.values[step] ?? 0;
    }
    if (this.#normalizes) standardise(batch.advantages);
    if (weights) this.#weigh(batch, index, weights);
  }

  /**
   * The importance pi_proximal / mu of stale data. It multiplies both sides of the clip, and as it is
   * positive that is the same as multiplying the advantage.
   */
  #weigh(batch: Minibatch, index: number, weights: Float32Array): void {
    for (let row = 0; row < batch.size; row++) {
      const step = this.#order[(index * batch.size + row) % this.#order.length] ?? 0;
      batch.advantages[row] = (batch.advantages[row] ?? 0) * (weights[step] ?? 1);
    }
  }
}

function copyRow(
  source: Float32Array,
  target: Float32Array,
  { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
): void {
  for (let i = 0; i < size; i++) target[to * size + i] = source[from * size + i] ?? 0;
}

/** Added to the deviation, as CleanRL does. */
const DEVIATION_FLOOR = 1e-8;

/** To mean 0 and deviation 1, in place; the deviation is the sample's, as PyTorch's is. */
export function standardise(values: Float32Array): void {
  const count = values.length;
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / count;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / Math.max(1, count - 1)) + DEVIATION_FLOOR;
  for (let i = 0; i < count; i++) values[i] = ((values[i] ?? 0) - mean) / deviation;
}
