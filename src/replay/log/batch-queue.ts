import { ChunkPool, FrameBuffer } from "./frame-buffer.ts";
import type { LogRecord } from "./log-record.ts";
import { encodeRecord } from "./record-codec.ts";

/** Records that go to the disk together. */
export interface Batch {
  readonly buffer: FrameBuffer;
  /** What the buffer holds, without payloads. */
  readonly records: readonly LogRecord[];
  /** Position behind its last record. */
  readonly endPosition: number;
  /** The segment ends with it. */
  readonly seals: boolean;
}

interface OpenBatch extends Batch {
  readonly records: LogRecord[];
  endPosition: number;
  seals: boolean;
}

const NO_PAYLOAD = new Uint8Array(0);

/** Records that wait for the disk, in batches: one per sync, or more when segments end between. */
export class BatchQueue {
  readonly #pool = new ChunkPool();
  readonly #segmentBytes: number;
  readonly #batches: OpenBatch[] = [];
  /** Bytes for the segment that the newest batch belongs to, about. */
  #segmentSize = 0;
  #position = 0;

  constructor(segmentBytes: number) {
    this.#segmentBytes = segmentBytes;
  }

  /** Records ever added. */
  get position(): number {
    return this.#position;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Copies the record in; returns its position. */
  add(record: LogRecord): number {
    const batch = this.#open();
    const before = batch.buffer.sizeBytes;
    encodeRecord(batch.buffer, record);
    batch.records.push(record.kind === "unroll" ? { ...record, payload: NO_PAYLOAD } : record);
    this.#segmentSize += batch.buffer.sizeBytes - before;
    this.#position += 1;
    batch.endPosition = this.#position;
    if (this.#segmentSize >= this.#segmentBytes) this.seal();
    return this.#position - 1;
  }

  /** The segment ends behind what has been added. */
  seal(): void {
    this.#open().seals = true;
    this.#segmentSize = 0;
  }

  /** The oldest batch; what is added from now on goes into others. */
  take(): Batch | undefined {
    return this.#batches.shift();
  }

  /** Takes the memory of a batch back. */
  release(batch: Batch): void {
    batch.buffer.clear();
  }

  newBuffer(): FrameBuffer {
    return new FrameBuffer(this.#pool);
  }

  #open(): OpenBatch {
    const last = this.#batches.at(-1);
    if (last !== undefined && !last.seals) return last;
    const batch = {
      buffer: this.newBuffer(),
      records: [],
      endPosition: this.#position,
      seals: false,
    };
    this.#batches.push(batch);
    return batch;
  }
}
