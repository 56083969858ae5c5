import { BatchQueue } from "./batch-queue.ts";
import { type LoggedUnroll, readLoggedUnrolls } from "./log-reader.ts";
import type { ActorCursor, LogRecord } from "./log-record.ts";
import { type LogCommit, LogWriter } from "./log-writer.ts";
import { type LogState, recoverLog } from "./recover-log.ts";
import type { SealRequest } from "./seal-barrier.ts";
import { SegmentChain } from "./segment-chain.ts";

export type { LoggedUnroll };

export interface FrameLogOptions {
  /** RUN/replay; made if missing. */
  readonly folder: string;
  /** The log may grow to this size before its oldest segments go, once no checkpoint needs them. */
  readonly quotaBytes: number;
  /** Unrolls in the replay that goes on; a log that ends before goes on there, with a warning. */
  readonly cut?: number;
  readonly syncIntervalMs?: number;
  /** A segment is sealed at about this size. */
  readonly segmentBytes?: number;
  /** Throws RunError RUN_LOCKED when the run folder was taken over; asked before each write. */
  checkTerm(): void;
  /** Records below `position` are on the disk. */
  onDurable(position: number): void;
  /** Why nothing can be written; null when all is well again. */
  onTrouble(message: string | null): void;
  /** What the user should know, but nothing is wrong with. */
  onWarning?(message: string): void;
  /** Each batch, once it is on the disk. */
  onCommit?(commit: LogCommit): void;
}

export interface RecoveredLog {
  /** Plain data: build an `ActorTable` from it with `ActorTable.restore`. */
  readonly cursors: readonly ActorCursor[];
  /** Unrolls ever logged: the index of the next. */
  readonly end: number;
  readonly warnings: readonly string[];
}

export interface LogStatus {
  /** Of all segments together. */
  readonly sizeBytes: number;
  readonly quotaBytes: number;
  /** Appended and not yet on the disk. */
  readonly pendingRecords: number;
  readonly trouble: string | null;
}

const SYNC_INTERVAL_MS = 10;
const SEGMENT_BYTES = 64 << 20;

/**
 * Opens the log of accepted frames, or makes it; what a crash left open is cut at its last whole record
 * and sealed. A sealed segment behind the cut that is damaged is set aside, with what follows and a warning.
 * Segments before the cut are verified when they are read.
 *
 * @throws RunError CHECKPOINT_CORRUPT naming file and offset when records that were durable are damaged
 *   or missing and there is nothing to go on from, DISK_FULL, RUN_LOCKED.
 */
export async function openFrameLog(
  options: FrameLogOptions,
): Promise<{ log: FrameLog; recovered: RecoveredLog }> {
  const { folder, cut = 0 } = options;
  const state = recoverLog({ folder, cut, checkTerm: () => options.checkTerm() });
  const recovered = { cursors: state.table.cursors(), end: state.end, warnings: state.warnings };
  return { log: new FrameLog(options, state), recovered };
}

/**
 * The log of accepted frames, in the gateway's thread: a chain of segments in RUN/replay, which are at
 * once write-ahead log, disk tier, part of the checkpoint and data set (docs/decisions/0012).
 *
 * Group commit: while one batch is on its way to the disk, the next gathers. When the disk fails, records
 * wait in memory and the batch is tried again until it works; how many wait is up to who appends them.
 */
export class FrameLog implements AsyncDisposable {
  readonly #folder: string;
  readonly #quotaBytes: number;
  readonly #queue: BatchQueue;
  readonly #chain: SegmentChain;
  readonly #writer: LogWriter;
  #end: number;

  constructor(options: FrameLogOptions, state: LogState) {
    const { folder, quotaBytes, segmentBytes = SEGMENT_BYTES } = options;
    const { syncIntervalMs = SYNC_INTERVAL_MS } = options;
    const checkTerm = (): void => options.checkTerm();
    this.#folder = folder;
    this.#quotaBytes = quotaBytes;
    this.#end = state.end;
    this.#queue = new BatchQueue(segmentBytes);
    this.#chain = new SegmentChain(state, { folder, checkTerm });
    this.#writer = new LogWriter(this.#queue, this.#chain, {
      quotaBytes,
      syncIntervalMs,
      checkTerm,
      onDurable: (position) => options.onDurable(position),
      onTrouble: (message) => options.onTrouble(message),
      onWarning: (message) => options.onWarning?.(message),
      onCommit: (commit) => options.onCommit?.(commit),
    });
  }

  /** Rejects with RunError RUN_LOCKED when the folder was taken over; resolves once it is closed. */
  get finished(): Promise<void> {
    return this.#writer.finished;
  }

  /** Records below this position are on the disk. */
  get durable(): number {
    return this.#writer.durable;
  }

  /** Unrolls ever logged: the index of the next. */
  get end(): number {
    return this.#end;
  }

  get status(): LogStatus {
    return {
      sizeBytes: this.#chain.sizeBytes,
      quotaBytes: this.#quotaBytes,
      pendingRecords: this.#queue.position - this.durable,
      trouble: this.#writer.trouble,
    };
  }

  /**
   * Takes a record in; it is copied. `onDurable` tells when the disk has it.
   *
   * @returns its position, counted from 0 since the log was opened.
   * @throws what `finished` was rejected with.
   */
  append(record: LogRecord): number {
    this.#writer.assertOpen();
    const position = this.#queue.add(record);
    if (record.kind === "unroll") this.#end += 1;
    this.#writer.wake();
    return position;
  }

  /**
   * Resolves when every unroll appended so far is in a sealed segment; waits while there is trouble.
   *
   * @throws RunError RUN_LOCKED, or DISK_FULL when the log is closed before it could be done.
   */
  async rotate(): Promise<void> {
    this.#writer.assertOpen();
    if (this.#chain.sealedEnd < this.#end) await this.#writer.rotate();
  }

  /**
   * Seals what the learner needs, and lets go what it does not: the handler for `SealBarrier.serve`.
   *
   * @throws as `rotate`.
   */
  async seal({ endIndex, releasedBelow }: SealRequest): Promise<void> {
    if (endIndex > this.#end) throw new RangeError(`unroll ${endIndex - 1} was never logged`);
    this.#chain.sealed.release(releasedBelow);
    this.#writer.collect();
    if (this.#chain.sealedEnd < endIndex) await this.rotate();
  }

  /**
   * The unrolls [from, to), all of them sealed, e.g. those found on opening; payloads view memory that is
   * not reused.
   *
   * @throws RunError CHECKPOINT_CORRUPT naming file and offset.
   */
  unrolls(from: number, to: number): Generator<LoggedUnroll> {
    if (to > this.#chain.sealedEnd) throw new RangeError(`unroll ${to - 1} is not sealed`);
    // Those there are now: while somebody reads, others come and go.
    return readLoggedUnrolls(this.#folder, [...this.#chain.sealed.all], { from, to });
  }

  /** Writes what was appended, unless that fails now, and seals the open segment. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer.close();
  }
}
