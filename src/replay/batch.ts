import type { Observations, UnrollShape } from "../protocol.ts";

/**
 * A batch of n-step transitions, in buffers that are allocated once and filled again by every draw.
 * B is `size`; row b of each column belongs to the same transition.
 */
export interface ReplayBatch {
  readonly size: number;
  /** [B, observation size], raw: s_t; of stacks of k frames, [B, k frame size]. */
  readonly observations: Observations;
  /** [B, action size]: a_t. */
  readonly actions: Float32Array;
  /** As `observations`: s_{t+m}. */
  readonly nextObservations: Observations;
  /** [B]: r_t + gamma r_{t+1} + ... + gamma^{m-1} r_{t+m-1}. */
  readonly returns: Float32Array;
  /** [B]: gamma^m, or 0 where the episode terminated within the window. */
  readonly bootstrapDiscounts: Float32Array;
  /** [B], at most 1; all 1 without prioritized sampling. */
  readonly importanceWeights: Float32Array;
  /** [B]: m, the steps in the window. */
  readonly lengths: Int32Array;
  /** [B]: learner step of the parameters that chose a_t; -1 for random warm-up actions. */
  readonly policyVersions: Int32Array;
  /** [B]: with `generations`, the address of the transition for `updatePriorities`. */
  readonly slots: Uint32Array;
  readonly generations: Uint32Array;
}

export interface BatchShape extends Pick<UnrollShape, "frameStack"> {
  readonly batchSize: number;
  readonly observationSize: number;
  readonly actionSize: number;
}

export function createBatch(shape: BatchShape): ReplayBatch {
  const { batchSize, observationSize, actionSize, frameStack } = shape;
  const rows = (): Observations =>
    frameStack === undefined
      ? new Float32Array(batchSize * observationSize)
      : new Uint8Array(batchSize * frameStack * observationSize);
  return {
    size: batchSize,
    observations: rows(),
    actions: new Float32Array(batchSize * actionSize),
    nextObservations: rows(),
    returns: new Float32Array(batchSize),
    bootstrapDiscounts: new Float32Array(batchSize),
    importanceWeights: new Float32Array(batchSize),
    lengths: new Int32Array(batchSize),
    policyVersions: new Int32Array(batchSize),
    slots: new Uint32Array(batchSize),
    generations: new Uint32Array(batchSize),
  };
}
