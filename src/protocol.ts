/**
 * The messages actors and the learner exchange, whatever carries them: a shared-memory mailbox in one
 * process, gRPC between machines. Plain data only.
 */

/**
 * T consecutive steps of one environment stream, never across an episode's end.
 *
 * Row t of `observations` is what the policy saw before step t; row T is the successor of the last
 * step, which is the true final observation when the episode ended there.
 */
export interface Unroll {
  /** The actor's slot in the run. */
  readonly actor: number;
  /** The environment's index in the actor's vector. */
  readonly env: number;
  /** T. */
  readonly length: number;
  /** [T + 1, observation size], row-major, raw. */
  readonly observations: Float32Array;
  /** [T, action size], in [-1, 1]. */
  readonly actions: Float32Array;
  /** [T], raw. */
  readonly rewards: Float32Array;
  /** [T]; 1: the episode has no future. Only the last can be 1. */
  readonly terminated: Uint8Array;
  /** [T]; 1: it has one, unseen. Only the last can be 1. */
  readonly truncated: Uint8Array;
  /** [T], learner step of the parameters that chose each action; -1 for random warm-up actions. */
  readonly policyVersions: Int32Array;
}
