import type { FrameRefusalReason } from "../../protocol.ts";

/** Where an actor stands: all that delivery has to remember of it. Plain JSON. */
export interface ActorCursor {
  readonly slot: number;
  /** Numbers the processes that have held the slot, from 1. */
  readonly incarnation: number;
  /** The actor's host and its number there: who comes back under these takes the slot over. */
  readonly host: string;
  readonly index: number;
  /** What the process drew at random when it started, in hex. */
  readonly instance: string;
  /** The sequence number that is wanted next; every one below was dealt with. */
  readonly next: number;
  /** The newest refused frames of this incarnation, at most MAX_REFUSED. */
  readonly refused: readonly RefusedFrame[];
  /** It said goodbye: its slot is free. */
  readonly left?: true;
}

export interface RefusedFrame {
  readonly sequence: number;
  readonly reason: FrameRefusalReason;
  readonly message: string;
}

/** Remembered of one incarnation; an actor that was told of a refusal does not ask again. */
export const MAX_REFUSED = 64;

/** Who sent a frame, and which of its frames it is. */
export interface FrameId {
  readonly slot: number;
  readonly incarnation: number;
  readonly sequence: number;
}

/** What the log remembers. The state of delivery is the fold of all records. */
export type LogRecord =
  /** An incarnation begins, with its cursor. */
  | { readonly kind: "join"; readonly cursor: ActorCursor }
  /** A frame was accepted; `payload` as it came over the wire. */
  | ({ readonly kind: "unroll"; readonly payload: Uint8Array } & FrameId)
  /** A frame was refused for good. */
  | ({
      readonly kind: "refused";
      readonly reason: FrameRefusalReason;
      readonly message: string;
    } & FrameId)
  /** The actor is done with every frame below `sequence`, whatever became of them. */
  | ({ readonly kind: "skip" } & FrameId)
  /** The actor said goodbye. */
  | ({ readonly kind: "leave" } & Omit<FrameId, "sequence">);
