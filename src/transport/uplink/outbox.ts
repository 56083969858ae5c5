/** How much an outbox holds, and what happens when it is full. */
export interface OutboxLimits {
  /** Unrolls that may wait to be sent for the first time. */
  readonly maxFrames: number;
  /** Payload bytes of all unrolls, sent or not, from which on no more are taken. */
  readonly maxBytes: number;
  /** pause: the actor waits. drop-oldest: the oldest unroll that was never sent makes room. */
  readonly policy: "pause" | "drop-oldest";
}

/**
 * What an actor has made and not sent yet only grows old, so that little of it is kept: what is on its way
 * comes on top, within the learner's limit.
 */
export const DEFAULT_OUTBOX: OutboxLimits = {
  maxFrames: 2,
  maxBytes: 64 << 20,
  policy: "pause",
};

/** An unroll ready to go. */
export interface OutboxFrame {
  readonly payload: Uint8Array;
  /** CRC-32C of the payload. */
  readonly checksum: number;
  /** Environment steps in it. */
  readonly steps: number;
}

/** An unroll that has been sent, at least once. */
export interface SentFrame extends OutboxFrame {
  readonly sequence: number;
  /** When it was last sent, in the time given to `next`. */
  readonly sentAt: number;
}

type Sent = { -readonly [Key in keyof SentFrame]: SentFrame[Key] };

/**
 * Unrolls on their way to the learner, kept until they are durable there.
 *
 *     sent, sequences rising: [ first kept ... | cursor: to be sent again ... ]   never sent: [ ... ]
 *
 * An unroll gets its sequence number when it is first sent, so that dropping one that never was leaves no
 * gap.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #sent: Sent[] = [];
  readonly #unsent: OutboxFrame[] = [];
  /** Index in `#sent` of the next to be sent again; its length when there is none. */
  #cursor = 0;
  #nextSequence = 0;
  #bytes = 0;
  #dropped = 0;
  #resent = 0;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  /** Unrolls kept. */
  get length(): number {
    return this.#sent.length + this.#unsent.length;
  }

  /** Of all payloads kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Unrolls that were thrown away to make room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Times an unroll was sent again. */
  get resent(): number {
    return this.#resent;
  }

  /** The lowest sequence number that can still be sent; all below are done with. */
  get firstKept(): number {
    return this.#sent[0]?.sequence ?? this.#nextSequence;
  }

  /** Whether `push` would succeed. */
  get canTake(): boolean {
    if (this.#hasRoom) return true;
    return this.#limits.policy === "drop-oldest" && this.#unsent.length > 0;
  }

  /** Takes an unroll in, or returns false when there is no room for it. Keeps the payload, no copy. */
  push(frame: OutboxFrame): boolean {
    if (this.#limits.policy === "drop-oldest") this.#makeRoom();
    if (!this.#hasRoom) return false;
    this.#unsent.push(frame);
    this.#bytes += frame.payload.length;
    return true;
  }

  /** The unroll to send now, marked as sent, or undefined when none may be: `limit` ends the sequence. */
  next(limit: number, now: number): SentFrame | undefined {
    const again = this.#sent[this.#cursor];
    if ((again?.sequence ?? this.#nextSequence) >= limit) return undefined;
    const frame = again ?? this.#number();
    if (!frame) return undefined;
    frame.sentAt = now;
    this.#cursor += 1;
    if (again) this.#resent += 1;
    return frame;
  }

  /** Forgets and returns what was sent with sequence numbers below `sequence`. */
  settle(sequence: number): readonly SentFrame[] {
    const end = this.#indexOf(sequence);
    const settled = this.#sent.splice(0, end);
    this.#cursor = Math.max(0, this.#cursor - end);
    this.#forget(settled);
    return settled;
  }

  /** Forgets and returns one unroll; undefined when it is not kept. */
  refuse(sequence: number): SentFrame | undefined {
    const index = this.#indexOf(sequence);
    const frame = this.#sent[index];
    if (frame?.sequence !== sequence) return undefined;
    this.#sent.splice(index, 1);
    if (index < this.#cursor) this.#cursor -= 1;
    this.#forget([frame]);
    return frame;
  }

  /** Goes on sending from `sequence`, or from the first one kept after it. */
  rewind(sequence: number): void {
    this.#cursor = this.#indexOf(sequence);
  }

  /** Begins a new sequence: for an incarnation of which the learner has nothing yet. */
  renumber(): void {
    this.#unsent.unshift(...this.#sent.splice(0));
    this.#cursor = 0;
    this.#nextSequence = 0;
  }

  get #hasRoom(): boolean {
    const { maxFrames, maxBytes } = this.#limits;
    return this.#unsent.length < maxFrames && this.#bytes < maxBytes;
  }

  #makeRoom(): void {
    while (!this.#hasRoom) {
      const oldest = this.#unsent.shift();
      if (!oldest) return;
      this.#forget([oldest]);
      this.#dropped += 1;
    }
  }

  #number(): Sent | undefined {
    const frame = this.#unsent.shift();
    if (!frame) return undefined;
    const { payload, checksum, steps } = frame;
    const sent = { payload, checksum, steps, sequence: this.#nextSequence, sentAt: 0 };
    this.#nextSequence += 1;
    this.#sent.push(sent);
    return sent;
  }

  /** Index in `#sent` of the first whose sequence number is at least `sequence`. */
  #indexOf(sequence: number): number {
    const index = this.#sent.findIndex((frame) => frame.sequence >= sequence);
    return index < 0 ? this.#sent.length : index;
  }

  #forget(frames: readonly OutboxFrame[]): void {
    for (const { payload } of frames) this.#bytes -= payload.length;
  }
}
