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
  /**
   * [T + 1, observation size], row-major, raw. Where observations are stacks of k frames: [k - 1 + T + 1,
   * frame size], so that rows t to t + k - 1 are observation t, oldest frame first.
   */
  readonly observations: Observations;
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
  /** The shape's extra columns by name, each [T] or [T + 1]. */
  readonly extras?: Readonly<Record<string, Float32Array>>;
}

/** Rows of numbers, or of a camera's bytes. */
export type Observations = Float32Array | Uint8Array;

/** What fixes the layout of every unroll of a run. */
export interface UnrollShape {
  /** Numbers in a row of observations: an observation, or one frame of several. */
  readonly observationSize: number;
  readonly actionSize: number;
  /** T at most; an episode's end makes a shorter one. */
  readonly unrollLength: number;
  /** What unrolls carry besides; nothing when left out. */
  readonly extras?: readonly ExtraColumn[];
  /** Actions may lie outside [-1, 1]: environments are given the nearest inside. */
  readonly freeActions?: boolean;
  /**
   * Rows are frames of bytes, and an observation is this many of them, each the next one's past but for one
   * frame. Left out: a row is an observation of float32 numbers.
   */
  readonly frameStack?: number | undefined;
}

/** What says how observations lie in rows. */
export type RowShape = Pick<UnrollShape, "observationSize" | "frameStack">;

/** Rows of observations in an unroll of `steps`; frames are there once, however many stacks they are in. */
export function observationRows({ frameStack = 1 }: RowShape, steps: number): number {
  return steps + frameStack;
}

/** Room for rows of observations. */
export function newRows({ observationSize, frameStack }: RowShape, rows: number): Observations {
  const count = rows * observationSize;
  return frameStack === undefined ? new Float32Array(count) : new Uint8Array(count);
}

/** Numbers of an observation that a policy's normaliser speaks of: pixels are not normalised. */
export function normalisedSize({ observationSize, frameStack }: RowShape): number {
  return frameStack === undefined ? observationSize : 0;
}

/** Bytes that one row takes. */
export function rowBytes({ observationSize, frameStack }: RowShape): number {
  return frameStack === undefined ? 4 * observationSize : observationSize;
}

/** @throws TypeError for frames, where only numbers will do. */
export function numberRows(rows: Observations): Float32Array {
  if (rows instanceof Float32Array) return rows;
  throw new TypeError("frames of bytes are no rows of numbers");
}

/** Whether observations are of the type that the shape asks for. */
export function hasRowType({ frameStack }: RowShape, rows: Observations): boolean {
  return frameStack === undefined ? rows instanceof Float32Array : rows instanceof Uint8Array;
}

/** Numbers that an actor's policy program makes beside the actions, under the same name. */
export interface ExtraColumn {
  readonly name: string;
  /** One number for each step, [T], or for each observation, [T + 1]. */
  readonly per: "step" | "observation";
}

/** How long an extra column of an unroll of `steps` is. */
export function extraLength({ per }: ExtraColumn, steps: number): number {
  return per === "step" ? steps : steps + 1;
}

/** Why a frame from another machine was not taken. */
export type FrameRefusalReason =
  | "checksum"
  | "format"
  | "dtype"
  | "shape"
  | "oversize"
  | "early-end"
  | "flag"
  | "non-finite"
  | "action-range";

/** An unroll on its way, with what delivery and turn-taking need to know. */
export interface UnrollFrame {
  readonly unroll: Unroll;
  /** Numbers the processes or threads that have held the actor's slot; old ones are refused. */
  readonly incarnation: number;
  /** Counts the frames of one incarnation, from 0. */
  readonly sequence: number;
  /** True on the last frame of an actor's turn: every environment has stepped `unrollLength` times. */
  readonly endsTurn: boolean;
  /** Deterministic mode: the actor's complete state after this turn, msgpack; otherwise empty. */
  readonly snapshot: Uint8Array;
}

/** A published policy. Actors hold one at a time and apply a newer one between turns. */
export interface PublishedPolicy {
  /** Learner step that produced the parameters; on-policy learners count iterations. */
  readonly version: number;
  /** Turns granted so far; who takes turns waits for it, otherwise ignored. */
  readonly turn: number;
  /** The policy group's parameters, flat, in layout order. */
  readonly parameters: Float32Array;
  /**
   * [2, observation size]: mean, then scale (1 / standard deviation); what observations are normalised with.
   * Empty where they are frames.
   */
  readonly normalizer: Float32Array;
}

/** The actor's end of a transport. One owner, one thread. */
export interface ActorLink {
  /** Hands a frame over, or returns false when the learner's side has no room. Copies. */
  offer(frame: UnrollFrame): boolean;
  /** Returns when there may be room, or after `timeoutMs`. */
  waitForRoom(timeoutMs: number): void;
  /**
   * The newest policy if its version or turn is above what was last taken here.
   * @param turn Rather the one before it, if that grants this turn already.
   */
  takePolicy(turn?: number): PublishedPolicy | undefined;
  /** Returns when there may be a newer policy, or after `timeoutMs`. */
  waitForPolicy(timeoutMs: number): void;
}

/** The learner's end of a transport. */
export interface LearnerLink {
  /**
   * Passes waiting frames to `accept`, oldest first for each actor and actors in turn, until it returns
   * false (the frame stays) or none is left. The arrays are valid during the call only.
   * @returns The number of frames accepted.
   */
  receive(accept: (frame: UnrollFrame) => boolean): number;
  /** Frames that have arrived and were not accepted yet. */
  readonly waiting: number;
  publish(policy: PublishedPolicy): void;
  /** Returns when something may have arrived, or after `timeoutMs`. */
  waitForFrames(timeoutMs: number): void;
}
