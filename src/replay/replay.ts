import { createHash, type Hash } from "node:crypto";
import type { RandomStream } from "../math/random.ts";
import type { Unroll } from "../protocol.ts";
import { createBatch, type ReplayBatch } from "./batch.ts";
import { discountPowers, gatherBatch } from "./gather.ts";
import { PrioritizedSampler } from "./prioritized-sampler.ts";
import { type RingShape, RowRing } from "./ring.ts";
import type { PriorityUpdate, Sampler, Sampling } from "./sampler.ts";
import { UniformSampler } from "./uniform-sampler.ts";
import { REFUSALS, type Refusal, refuseUnroll } from "./unroll-check.ts";

export interface ReplayOptions extends RingShape {
  readonly sampling: Sampling;
  /** B, of the batches drawn. */
  readonly batchSize: number;
  /** Longest window, n. */
  readonly nSteps: number;
  /** The agent's discount per step. */
  readonly gamma: number;
}

/** Totals since the run began, over resumes. Plain JSON. */
export interface ReplayCounters {
  /** Transitions taken in. */
  inserted: number;
  /** Unrolls refused at the door, by reason. */
  refused: Record<Refusal, number>;
  /** Priorities for transitions overwritten since their draw: ignored. */
  stalePriorities: number;
  /** Priorities that were NaN or infinite: ignored. */
  invalidPriorities: number;
}

type Column = Float32Array | Float64Array | Uint8Array;

/**
 * What is remembered: unrolls go in, batches of n-step transitions come out. Belongs to one thread.
 *
 * Bad input never throws: an unroll is refused and counted, a priority ignored and counted.
 */
export class Replay {
  readonly options: ReplayOptions;
  /** Where the rows are. For persistence and diagnosis: writing to it breaks the sampler's sums. */
  readonly ring: RowRing;
  readonly sampler: Sampler;
  readonly counters: ReplayCounters;
  readonly #discounts: Float64Array;

  constructor(options: ReplayOptions) {
    this.options = options;
    this.ring = new RowRing(options, (first, count) => this.sampler.evicted(first, count));
    this.sampler =
      options.sampling.kind === "uniform"
        ? new UniformSampler(this.ring)
        : new PrioritizedSampler(options.sampling, this.ring);
    this.counters = {
      inserted: 0,
      refused: Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Record<Refusal, number>,
      stalePriorities: 0,
      invalidPriorities: 0,
    };
    this.#discounts = discountPowers(options.gamma, options.nSteps);
  }

  /** Transitions held. */
  get size(): number {
    return this.ring.size;
  }

  /** Takes an unroll in; returns null, or the reason why not. The unroll's arrays are copied. */
  insert(unroll: Unroll): Refusal | null {
    const refusal = refuseUnroll(unroll, this.options);
    if (refusal !== null) {
      this.counters.refused[refusal] += 1;
      return refusal;
    }
    this.sampler.inserted(this.ring.append(unroll), unroll.length);
    this.counters.inserted += unroll.length;
    return null;
  }

  createBatch(): ReplayBatch {
    return createBatch(this.options);
  }

  /**
   * Draws a batch into `batch`, with replacement.
   *
   * @param importanceExponent PER's beta in [0, 1]; only prioritized sampling heeds it.
   * @throws RangeError if replay is empty.
   */
  sample(batch: ReplayBatch, random: RandomStream, importanceExponent = 1): void {
    if (this.size === 0) throw new RangeError("sample from an empty replay");
    this.sampler.draw(batch, random, importanceExponent);
    gatherBatch(this.ring, batch, this.#discounts);
  }

  /**
   * Gives the transitions of a drawn batch new priorities.
   *
   * @param tdErrors [B], aligned with the batch; only the magnitude matters.
   */
  updatePriorities(batch: ReplayBatch, tdErrors: Float32Array): PriorityUpdate {
    const update = this.sampler.update(batch, tdErrors);
    this.counters.stalePriorities += update.stale;
    this.counters.invalidPriorities += update.invalid;
    return update;
  }

  /**
   * SHA-256 over all that future draws depend on: equal digests, equal futures. O(n), about 0.3 s for a
   * million transitions.
   */
  digest(): string {
    const hash = createHash("sha256");
    const { position } = this.ring;
    const state = [this.options, position, this.counters, this.sampler.state()];
    hash.update(JSON.stringify(state));
    const first = this.ring.slotOf(position.oldestRow);
    const head = Math.min(this.ring.span, this.ring.rows - first);
    this.#hashSlots(hash, first, head);
    this.#hashSlots(hash, 0, this.ring.span - head);
    hash.update(this.ring.origins(position.oldestBlock, position.nextBlock));
    return hash.digest("hex");
  }

  #hashSlots(hash: Hash, first: number, count: number): void {
    const { ring, sampler } = this;
    for (const part of ring.table.frames?.parts({ row: first, count }) ?? []) hash.update(part);
    const columns: Column[] = [ring.table.floats, ring.flags];
    if (sampler.weights !== undefined) columns.push(sampler.weights);
    for (const column of columns) {
      const width = column.byteLength / ring.rows;
      hash.update(new Uint8Array(column.buffer, column.byteOffset + first * width, count * width));
    }
  }
}
