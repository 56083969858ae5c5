import { crc32c } from "@node-rs/crc32";
import { FRAME_HEAD_BYTES } from "../segment-format.ts";

const CHUNK_BYTES = 1 << 20;

/** Chunks that wait to be used again: two batches of a busy log are under way at a time. */
const MOST_SPARE = 4;

/** Memory for batches, used over and over. */
export class ChunkPool {
  readonly #spare: Buffer[] = [];

  /** At least `bytes` long. */
  take(bytes: number): Buffer {
    if (bytes > CHUNK_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  give(chunk: Buffer): void {
    if (chunk.length === CHUNK_BYTES && this.#spare.length < MOST_SPARE) this.#spare.push(chunk);
  }
}

/** Frames of a segment, gathered to be written at once. A frame lies in one chunk. */
export class FrameBuffer {
  readonly #pool: ChunkPool;
  readonly #full: { readonly chunk: Buffer; readonly used: number }[] = [];
  #chunk: Buffer | undefined;
  #used = 0;
  #sizeBytes = 0;
  #frames = 0;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Appends a frame of `length` bytes, which `fill` writes. */
  add(length: number, fill: (payload: Buffer) => void): void {
    const bytes = FRAME_HEAD_BYTES + length;
    const chunk = this.#roomFor(bytes);
    const start = this.#used;
    const payload = chunk.subarray(start + FRAME_HEAD_BYTES, start + bytes);
    fill(payload);
    chunk.writeUInt32LE(length, start);
    const checksum = crc32c(payload, crc32c(chunk.subarray(start, start + 4)));
    chunk.writeUInt32LE(checksum, start + 4);
    this.#used += bytes;
    this.#sizeBytes += bytes;
    this.#frames += 1;
  }

  /** What there is to write, in order; valid until `clear`. */
  parts(): Uint8Array[] {
    const parts = this.#full.map(({ chunk, used }) => chunk.subarray(0, used));
    if (this.#chunk) parts.push(this.#chunk.subarray(0, this.#used));
    return parts;
  }

  /** Gives the memory back. */
  clear(): void {
    for (const { chunk } of this.#full.splice(0)) this.#pool.give(chunk);
    if (this.#chunk) this.#pool.give(this.#chunk);
    this.#chunk = undefined;
    this.#used = 0;
    this.#sizeBytes = 0;
    this.#frames = 0;
  }

  #roomFor(bytes: number): Buffer {
    if (this.#chunk && this.#used + bytes <= this.#chunk.length) return this.#chunk;
    if (this.#chunk) this.#full.push({ chunk: this.#chunk, used: this.#used });
    this.#used = 0;
    this.#chunk = this.#pool.take(bytes);
    return this.#chunk;
  }
}
