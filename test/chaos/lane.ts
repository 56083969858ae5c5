import type { Socket } from "node:net";
import type { RandomStream } from "../../src/math/random.ts";

/** What is done to the bytes of one direction. */
export interface LaneFaults {
  /** Added to the way of every byte. */
  readonly delayMs: number;
  /** Up to this much more, drawn for each piece; the order stays. */
  readonly jitterMs: number;
  readonly bytesPerSecond: number;
  /** Nothing is forwarded, nothing is lost: it all follows when this ends. */
  readonly stall: boolean;
  /** Everything is swallowed, the end of the connection too: the peer's host is gone and nobody says so. */
  readonly halfOpen: boolean;
  /** Each byte after the first `afterBytes` of a connection is changed with this probability. */
  readonly corrupt: { readonly probability: number; readonly afterBytes: number };
  /** The connection is reset when this many of its bytes have been forwarded. */
  readonly resetAfterBytes: number;
}

export const NO_FAULTS: LaneFaults = {
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: Infinity,
  stall: false,
  halfOpen: false,
  corrupt: { probability: 0, afterBytes: 0 },
  resetAfterBytes: Infinity,
};

/** What was done, summed over connections. */
export interface LaneCounts {
  forwardedBytes: number;
  swallowedBytes: number;
  corruptedBytes: number;
}

/** Changes a chunk in place on its way; called once for each connection and direction. */
export type Tamper = () => (chunk: Buffer) => void;

interface LaneParts {
  readonly from: Socket;
  readonly to: Socket;
  readonly counts: LaneCounts;
  readonly random: RandomStream;
  readonly faults: () => LaneFaults;
  readonly tamper: ((chunk: Buffer) => void) | undefined;
  /** Ends the whole connection. */
  readonly reset: () => void;
}

interface Held {
  readonly due: number;
  /** Undefined: the end of the stream. */
  readonly bytes: Buffer | undefined;
}

/** Bytes on the way before the source is asked to wait; a link of 100 MB/s and 40 ms holds so many. */
const MOST_HELD = 4 << 20;
/** Pieces small enough that a limited rate is even. */
const PIECE_BYTES = 16 << 10;
/** What a timer may be late without the link's being slower for it. */
const LATE_MS = 100;

/** One direction of one connection. */
export class Lane {
  readonly #parts: LaneParts;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #arrivedBytes = 0;
  #forwardedBytes = 0;
  #lastDue = 0;
  /** When the link is free for the next piece. */
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #blocked = false;
  /** Something was swallowed: the two ends no longer agree, and never will. */
  lossy = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
    const { from, to } = parts;
    from.on("data", (chunk: Buffer) => this.#take(chunk));
    from.on("end", () => this.#takeEnd());
    to.on("drain", () => {
      this.#blocked = false;
      this.wake();
    });
  }

  /** To be called when the faults have changed. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pump();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #take(chunk: Buffer): void {
    const { counts, tamper } = this.#parts;
    if (this.#parts.faults().halfOpen) {
      counts.swallowedBytes += chunk.length;
      this.lossy = true;
      return;
    }
    tamper?.(chunk);
    this.#corrupt(chunk);
    this.#arrivedBytes += chunk.length;
    const due = this.#nextDue();
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      this.#held.push({ due, bytes: chunk.subarray(at, at + PIECE_BYTES) });
    }
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MOST_HELD) this.#parts.from.pause();
    if (this.#timer === undefined) this.#pump();
  }

  #takeEnd(): void {
    if (this.#parts.faults().halfOpen) {
      this.lossy = true;
      return;
    }
    this.#held.push({ due: this.#nextDue(), bytes: undefined });
    if (this.#timer === undefined) this.#pump();
  }

  #nextDue(): number {
    const { delayMs, jitterMs } = this.#parts.faults();
    const jitter = jitterMs > 0 ? jitterMs * this.#parts.random.uniform() : 0;
    this.#lastDue = Math.max(this.#lastDue, performance.now() + delayMs + jitter);
    return this.#lastDue;
  }

  /** Jumps from one changed byte to the next: drawing for each byte would be slow. */
  #corrupt(chunk: Buffer): void {
    const { random, counts } = this.#parts;
    const { probability, afterBytes } = this.#parts.faults().corrupt;
    if (probability <= 0) return;
    const gap = (): number => Math.floor(Math.log(1 - random.uniform()) / Math.log1p(-probability));
    const start = Math.max(0, afterBytes - this.#arrivedBytes);
    for (let at = start + gap(); at < chunk.length; at += 1 + gap()) {
      chunk[at] = (chunk[at] ?? 0) ^ (1 + random.integer(255));
      counts.corruptedBytes += 1;
    }
  }

  #pump(): void {
    const { from } = this.#parts;
    for (;;) {
      const head = this.#held[0];
      const faults = this.#parts.faults();
      if (!head || faults.stall || this.#blocked) return;
      const now = performance.now();
      const start = Math.max(head.due, this.#freeAt);
      if (start > now) {
        this.#pumpAt(start - now);
        return;
      }
      this.#held.shift();
      if (!this.#forward(head, faults)) return;
      this.#heldBytes -= head.bytes?.length ?? 0;
      if (from.isPaused() && this.#heldBytes <= MOST_HELD / 2) from.resume();
    }
  }

  /** What was written is to arrive before a reset, which overtakes what the kernel still holds. */
  #drainedThen(reset: () => void): void {
    const { to } = this.#parts;
    if (to.writableLength > 0 && !to.destroyed) setTimeout(() => this.#drainedThen(reset), 1);
    else setTimeout(reset, 5);
  }

  #pumpAt(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, waitMs);
  }

  /** @returns False when the connection is over. */
  #forward({ bytes, due }: Held, faults: LaneFaults): boolean {
    const { to, counts, reset } = this.#parts;
    if (bytes === undefined) {
      to.end();
      return false;
    }
    const room = faults.resetAfterBytes - this.#forwardedBytes;
    const piece = bytes.subarray(0, Math.max(0, Math.min(bytes.length, room)));
    const began = Math.max(due, this.#freeAt, performance.now() - LATE_MS);
    this.#freeAt = began + (1000 * piece.length) / faults.bytesPerSecond;
    this.#forwardedBytes += piece.length;
    counts.forwardedBytes += piece.length;
    if (to.writable) this.#blocked = !to.write(piece);
    if (room > bytes.length) return true;
    this.#drainedThen(reset);
    return false;
  }
}
