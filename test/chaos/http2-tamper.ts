import type { RandomStream } from "../../src/math/random.ts";
import type { Tamper } from "./lane.ts";

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const DATA = 0;
/** A frame of HTTP/2 so long holds an unroll; what follows its start is the unroll's columns. */
const LEAST_BYTES = 240;
const SKIPPED_BYTES = 80;

/**
 * Changes one byte in some of the long DATA frames that a client sends over HTTP/2 without TLS: an unroll
 * arrives damaged while the connection stays whole, which is what checksums of unrolls are for.
 *
 * @param probability Of damage to one frame of HTTP/2.
 */
export function damageUnrolls(probability: number, random: RandomStream): Tamper {
  return () => {
    const walk = new FrameWalk();
    return (chunk) => {
      for (const frame of walk.longFrames(chunk)) {
        if (random.uniform() >= probability) continue;
        const at = frame.start + random.integer(frame.end - frame.start);
        chunk[at] = (chunk[at] ?? 0) ^ (1 + random.integer(255));
      }
    };
  };
}

/** Finds the frames in a stream of bytes, whatever chunks it comes in. */
class FrameWalk {
  #toSkip = PREFACE_BYTES;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;

  /** Where in `chunk` the payloads of long DATA frames are that begin in it. */
  *longFrames(chunk: Buffer): Generator<{ readonly start: number; readonly end: number }> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#toSkip > 0) {
        const step = Math.min(this.#toSkip, chunk.length - at);
        this.#toSkip -= step;
        at += step;
        continue;
      }
      const step = Math.min(HEAD_BYTES - this.#headBytes, chunk.length - at);
      chunk.copy(this.#head, this.#headBytes, at, at + step);
      this.#headBytes += step;
      at += step;
      if (this.#headBytes < HEAD_BYTES) return;
      this.#headBytes = 0;
      this.#toSkip = this.#head.readUIntBE(0, 3);
      const end = Math.min(chunk.length, at + this.#toSkip);
      const isLong = this.#head[3] === DATA && this.#toSkip >= LEAST_BYTES;
      if (isLong && end > at + SKIPPED_BYTES) yield { start: at + SKIPPED_BYTES, end };
    }
  }
}
