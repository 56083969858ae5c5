import type { RandomStream } from "../math/random.ts";
import type { ReplayBatch } from "./batch.ts";

/** How transitions are chosen, and from what their priorities come. */
export type Sampling = UniformSampling | PrioritizedSampling | LapSampling;

export interface UniformSampling {
  readonly kind: "uniform";
}

/** p_i = |delta_i| + epsilon, P(i) = p_i^a / sum p^a. Source: Schaul et al. 2016, section 3.3. */
export interface PrioritizedSampling {
  readonly kind: "prioritized";
  readonly priorityExponent: number;
  readonly epsilon: number;
}

/**
 * P(i) in proportion to max(|delta_i|, minPriority)^a, without importance weights; the loss is to be
 * Huber's with threshold minPriority. Every `resetInterval` updates the largest priority, which new
 * transitions get, is taken anew from those held.
 *
 * Source: Fujimoto et al. 2020, "An Equivalence between Loss Functions and Non-Uniform Sampling";
 * the reset from Fujimoto et al. 2023 (TD7).
 */
export interface LapSampling {
  readonly kind: "lap";
  readonly priorityExponent: number;
  readonly minPriority: number;
  readonly resetInterval: number;
}

/** Schaul et al. 2016, table 3, proportional. */
export const PRIORITIZED: PrioritizedSampling = {
  kind: "prioritized",
  priorityExponent: 0.6,
  epsilon: 1e-6,
};

/** Fujimoto et al. 2023, table 3. */
export const LAP: LapSampling = {
  kind: "lap",
  priorityExponent: 0.4,
  minPriority: 1,
  resetInterval: 250,
};

/** What a sampler remembers besides the weights of the transitions held; plain JSON. */
export interface SamplerState {
  readonly maxWeight: number;
  readonly updatesSinceReset: number;
}

/** What became of a batch of priorities. */
export interface PriorityUpdate {
  readonly applied: number;
  /** For transitions that have been overwritten since they were drawn. */
  readonly stale: number;
  /** NaN or infinite. */
  readonly invalid: number;
}

/** Chooses the transitions of a batch. Told of every row that comes and goes. */
export interface Sampler {
  /** Steps came to rest at `count` slots from `first`. */
  inserted(first: number, count: number): void;
  evicted(first: number, count: number): void;
  /** Fills `batch.slots` and `batch.importanceWeights`. The ring holds at least one transition. */
  draw(batch: ReplayBatch, random: RandomStream, importanceExponent: number): void;
  /** @param tdErrors [B], of the batch's transitions; the sign does not matter. */
  update(batch: ReplayBatch, tdErrors: Float32Array): PriorityUpdate;
  /** Unnormalised probability of each slot, [rows]; undefined if all are alike. */
  readonly weights: Float64Array | undefined;
  /** Sum of the weights; undefined if all are alike. */
  readonly totalWeight: number | undefined;
  /** To be called after `weights` were written. */
  restore(state: SamplerState): void;
  state(): SamplerState;
}
