import type { RandomStream } from "../math/random.ts";
import type { ReplayBatch } from "./batch.ts";
import type { RowRing } from "./ring.ts";
import type {
  LapSampling,
  PrioritizedSampling,
  PriorityUpdate,
  Sampler,
  SamplerState,
} from "./sampler.ts";
import { SumTree } from "./sum-tree.ts";

/**
 * Transitions in proportion to their weight, which is the priority to the power of its exponent. New
 * ones get the largest weight seen so far, 1 at first, so that each is soon drawn.
 */
export class PrioritizedSampler implements Sampler {
  readonly #sampling: PrioritizedSampling | LapSampling;
  readonly #ring: RowRing;
  readonly #tree: SumTree;
  #maxWeight = 1;
  #updatesSinceReset = 0;
  /** Scratch. */
  #slots = new Uint32Array(0);
  #weights = new Float64Array(0);

  constructor(sampling: PrioritizedSampling | LapSampling, ring: RowRing) {
    this.#sampling = sampling;
    this.#ring = ring;
    this.#tree = new SumTree(ring.rows);
  }

  get weights(): Float64Array {
    return this.#tree.weights;
  }

  get totalWeight(): number {
    return this.#tree.total;
  }

  inserted(first: number, count: number): void {
    this.#tree.setRange(first, count, this.#maxWeight);
  }

  evicted(first: number, count: number): void {
    this.#tree.setRange(first, count, 0);
  }

  /** Stratified: one draw in each of B equal parts of the total. Source: Schaul et al. 2016, B.2.1. */
  draw(batch: ReplayBatch, random: RandomStream, importanceExponent: number): void {
    const tree = this.#tree;
    const part = tree.total / batch.size;
    this.#reserveScratch(batch.size);
    const masses = this.#weights;
    for (let b = 0; b < batch.size; b++) masses[b] = (b + random.uniform()) * part;
    tree.findMany(masses, batch.slots, batch.size);
    if (this.#sampling.kind === "lap") batch.importanceWeights.fill(1);
    else this.#fillImportanceWeights(batch, importanceExponent);
  }

  /** w_i = (N P(i))^-beta / max_j w_j, which is (min_j P(j) / P(i))^beta: N and the total cancel. */
  #fillImportanceWeights(batch: ReplayBatch, importanceExponent: number): void {
    const tree = this.#tree;
    let smallest = Infinity;
    for (let b = 0; b < batch.size; b++) smallest = Math.min(smallest, tree.get(batch.slots[b]!));
    for (let b = 0; b < batch.size; b++) {
      const ratio = smallest / tree.get(batch.slots[b]!);
      batch.importanceWeights[b] = ratio === 1 ? 1 : ratio ** importanceExponent;
    }
  }

  update(batch: ReplayBatch, tdErrors: Float32Array): PriorityUpdate {
    this.#reserveScratch(batch.size);
    let applied = 0;
    let stale = 0;
    let invalid = 0;
    for (let b = 0; b < batch.size; b++) {
      const slot = batch.slots[b]!;
      const weight = this.#weightOf(tdErrors[b]!);
      if (!this.#ring.holds(slot, batch.generations[b]!)) stale += 1;
      else if (!Number.isFinite(weight)) invalid += 1;
      else {
        this.#slots[applied] = slot;
        this.#weights[applied++] = weight;
        if (weight > this.#maxWeight) this.#maxWeight = weight;
      }
    }
    this.#tree.setMany(this.#slots, this.#weights, applied);
    this.#countUpdate();
    return { applied, stale, invalid };
  }

  state(): SamplerState {
    return { maxWeight: this.#maxWeight, updatesSinceReset: this.#updatesSinceReset };
  }

  restore(state: SamplerState): void {
    this.#maxWeight = state.maxWeight;
    this.#updatesSinceReset = state.updatesSinceReset;
    this.#tree.rebuild();
  }

  #weightOf(tdError: number): number {
    const sampling = this.#sampling;
    const size = Math.abs(tdError);
    if (sampling.kind === "lap") {
      return size <= sampling.minPriority
        ? sampling.minPriority ** sampling.priorityExponent
        : size ** sampling.priorityExponent;
    }
    return (size + sampling.epsilon) ** sampling.priorityExponent;
  }

  #countUpdate(): void {
    if (this.#sampling.kind !== "lap") return;
    this.#updatesSinceReset += 1;
    if (this.#updatesSinceReset < this.#sampling.resetInterval) return;
    this.#updatesSinceReset = 0;
    const used = Math.min(this.#ring.rows, this.#ring.position.nextRow);
    this.#maxWeight = largest(this.#tree.weights.subarray(0, used));
  }

  #reserveScratch(count: number): void {
    if (this.#slots.length >= count) return;
    this.#slots = new Uint32Array(count);
    this.#weights = new Float64Array(count);
  }
}

/** O(n): under 2 ms for a million, every few hundred updates. Slots without a step weigh 0. */
function largest(weights: Float64Array): number {
  let most = 0;
  for (let i = 0; i < weights.length; i++) if (weights[i]! > most) most = weights[i]!;
  return most;
}
