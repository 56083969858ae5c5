import type { ActorCursor, FrameId, LogRecord } from "./log-record.ts";

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
}

export interface RecoveredLog {
  readonly cursors: readonly ActorCursor[];
  /** Unrolls ever logged: the index of the next. */
  readonly end: number;
  readonly warnings: readonly string[];
}

export interface LoggedUnroll extends FrameId {
  /** Counts the unrolls of the run; the number of its block in replay. */
  readonly index: number;
  readonly payload: Uint8Array;
}

export interface LogStatus {
  /** Of all segments together. */
  readonly sizeBytes: number;
  readonly quotaBytes: number;
  /** Appended and not yet on the disk. */
  readonly pendingRecords: number;
  readonly trouble: string | null;
}

/**
 * Opens the log of accepted frames, or makes it; what a crash left open is cut at its last whole record
 * and sealed.
 *
 * @throws RunError CHECKPOINT_CORRUPT naming file and offset when records that were durable are damaged
 *   or missing, DISK_FULL, RUN_LOCKED.
 */
export async function openFrameLog(
  _options: FrameLogOptions,
): Promise<{ log: FrameLog; recovered: RecoveredLog }> {
  throw new Error("not yet");
}

/** The log of accepted frames, in the gateway's thread. */
export declare class FrameLog implements AsyncDisposable {
  /** Rejects with RunError RUN_LOCKED when the folder was taken over; resolves once it is closed. */
  readonly finished: Promise<void>;
  /** Records below this position are on the disk. */
  readonly durable: number;
  /** Unrolls ever logged: the index of the next. */
  readonly end: number;
  readonly status: LogStatus;
  /**
   * Takes a record in; it is copied. `onDurable` tells when the disk has it.
   * @returns its position, counted from 0 since the log was opened.
   */
  append(record: LogRecord): number;
  /** Resolves when every unroll appended so far is in a sealed segment. Waits while there is trouble. */
  rotate(): Promise<void>;
  /** Unrolls below `index` are in no checkpoint that is kept: their segments go when room is needed. */
  release(index: number): void;
  /**
   * The unrolls [from, to), all of them sealed, e.g. those found on opening; payloads view memory that is
   * not reused.
   * @throws RunError CHECKPOINT_CORRUPT naming file and offset.
   */
  unrolls(from: number, to: number): Generator<LoggedUnroll>;
  /** Writes what was appended, unless that fails now, and seals the open segment. */
  [Symbol.asyncDispose](): Promise<void>;
}
