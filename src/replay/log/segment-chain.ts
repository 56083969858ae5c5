import type { ActorTable } from "./actor-table.ts";
import type { Batch } from "./batch-queue.ts";
import { ChunkPool, FrameBuffer } from "./frame-buffer.ts";
import { OpenSegment, removeFile } from "./open-segment.ts";
import { encodeMark, encodeSnapshot } from "./record-codec.ts";
import type { LogState } from "./recover-log.ts";
import { SealedSegments } from "./sealed-segments.ts";

/**
 * Writes batches to one segment after another. Each method may be called again after it failed; a batch
 * is on the disk once `commit` returned, and its records are in no other batch.
 */
export class SegmentChain {
  readonly sealed: SealedSegments;
  readonly #folder: string;
  readonly #checkTerm: () => void;
  readonly #table: ActorTable;
  /** For what a segment or batch begins with. */
  readonly #head = new FrameBuffer(new ChunkPool());
  /** Segments without unrolls: what they say is in the next one's snapshot, once that is on the disk. */
  readonly #superseded: (() => Promise<void>)[];
  #supersededBytes = 0;
  #segment: OpenSegment | undefined;
  #nextOrdinal: number;
  /** Unrolls on the disk, those before the log began included. */
  #end: number;
  /** Where the segment before ended. */
  #previousEnd: number;

  constructor(state: LogState, options: { readonly folder: string; checkTerm(): void }) {
    this.sealed = new SealedSegments(options.folder, state.sealed);
    this.#folder = options.folder;
    this.#checkTerm = options.checkTerm;
    this.#table = state.table;
    this.#superseded = state.superseded.map((path) => () => removeFile(path));
    this.#nextOrdinal = state.nextOrdinal;
    this.#end = state.end;
    this.#previousEnd = state.loggedEnd;
  }

  get sizeBytes(): number {
    return this.sealed.sizeBytes + this.#supersededBytes + (this.#segment?.sizeBytes ?? 0);
  }

  /** Unrolls in sealed segments. */
  get sealedEnd(): number {
    return this.#segment?.first ?? this.#end;
  }

  /** Returns when the disk has the batch. */
  async commit(batch: Batch): Promise<void> {
    this.#checkTerm();
    if (this.#segment?.suspect) await this.seal();
    this.#segment ??= await OpenSegment.create(this.#folder, this.#end);
    this.#writeHead(this.#segment);
    await this.#segment.commit([this.#head, batch.buffer]);
    this.#checkTerm();
    for (const record of batch.records) {
      this.#table.apply(record);
      if (record.kind === "unroll") this.#end += 1;
    }
    for (const remove of this.#superseded.splice(0)) await remove();
    this.#supersededBytes = 0;
  }

  /** Ends the open segment, with what is on the disk. One without unrolls gives way to the next instead. */
  async seal(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    this.#checkTerm();
    if (segment.first === this.#end) {
      await segment.close();
      this.#superseded.push(() => segment.remove());
      this.#supersededBytes += segment.sizeBytes;
    } else {
      this.sealed.add(await segment.seal(this.#end));
      this.#previousEnd = this.#end;
    }
    this.#segment = undefined;
    this.#nextOrdinal += 1;
  }

  /** Closes the file that is open, for recovery to find. */
  async close(): Promise<void> {
    await this.#segment?.close();
  }

  #writeHead({ sizeBytes }: OpenSegment): void {
    this.#head.clear();
    if (sizeBytes > 0) {
      encodeMark(this.#head, sizeBytes);
      return;
    }
    encodeSnapshot(this.#head, {
      ordinal: this.#nextOrdinal,
      first: this.#end,
      previousEnd: this.#previousEnd,
      cursors: this.#table.cursors(),
    });
  }
}
