import { join } from "node:path";
import { RunError } from "../../errors.ts";
import { FRAME_HEAD_BYTES, HEADER_BYTES } from "../segment-format.ts";
import { readSegment } from "../segment-reader.ts";
import type { SealedSegment } from "./log-names.ts";
import type { FrameId } from "./log-record.ts";
import { decodeEntry, type LogEntry, type LogSnapshot } from "./record-codec.ts";

export interface LoggedUnroll extends FrameId {
  /** Counts the unrolls of the run; the number of its block in replay. */
  readonly index: number;
  readonly payload: Uint8Array;
}

/** What a segment begins with, and the records after it. */
export interface SegmentContent {
  readonly snapshot: LogSnapshot;
  readonly entries: readonly LogEntry[];
}

/**
 * @param payloads All frames of the file, the first of which is a snapshot.
 * @throws RunError CHECKPOINT_CORRUPT naming file and offset.
 */
export function decodeSegment(path: string, payloads: readonly Uint8Array[]): SegmentContent {
  const entries: LogEntry[] = [];
  let offset = HEADER_BYTES;
  for (const payload of payloads) {
    entries.push(decodeAt(path, offset, payload));
    offset += FRAME_HEAD_BYTES + payload.length;
  }
  const [head, ...rest] = entries;
  if (head?.kind !== "snapshot") throw damaged(path, HEADER_BYTES, "no snapshot comes first");
  return { snapshot: head.snapshot, entries: rest };
}

/** @throws RunError CHECKPOINT_CORRUPT naming file and offset, also when it is not what its name says. */
export function readSealed(folder: string, segment: SealedSegment): SegmentContent {
  const path = join(folder, segment.name);
  return checkSealed(path, readSegment(path), segment);
}

/** The same for a file whose frames were read. */
export function checkSealed(
  path: string,
  payloads: readonly Uint8Array[],
  { first, end }: { readonly first: number; readonly end: number },
): SegmentContent {
  const content = decodeSegment(path, payloads);
  const { snapshot, entries } = content;
  const foundEnd = snapshot.first + countUnrolls(entries);
  if (snapshot.first === first && foundEnd === end) return content;
  const range = `${snapshot.first} to ${foundEnd}`;
  throw damaged(path, HEADER_BYTES, `it holds the unrolls ${range}, not what its name says`);
}

export function countUnrolls(entries: readonly LogEntry[]): number {
  return entries.reduce((count, { kind }) => (kind === "unroll" ? count + 1 : count), 0);
}

/**
 * The unrolls [from, to) of sealed segments, which are read one at a time.
 *
 * @throws RunError CHECKPOINT_CORRUPT naming file and offset, or the first unroll that is missing.
 */
export function* readLoggedUnrolls(
  folder: string,
  segments: readonly SealedSegment[],
  range: { readonly from: number; readonly to: number },
): Generator<LoggedUnroll> {
  let next = range.from;
  for (const segment of segments) {
    if (segment.end <= next || segment.first >= range.to) continue;
    if (segment.first > next) break;
    for (const unroll of unrollsIn(folder, segment)) {
      if (unroll.index >= next && unroll.index < range.to) yield unroll;
    }
    next = segment.end;
  }
  if (next >= range.to) return;
  throw new RunError("CHECKPOINT_CORRUPT", `${folder}: the log lacks the unrolls from ${next} on`);
}

function* unrollsIn(folder: string, segment: SealedSegment): Generator<LoggedUnroll> {
  let index = segment.first;
  for (const entry of readSealed(folder, segment).entries) {
    if (entry.kind !== "unroll") continue;
    const { slot, incarnation, sequence, payload } = entry;
    yield { index, slot, incarnation, sequence, payload };
    index += 1;
  }
}

function decodeAt(path: string, offset: number, payload: Uint8Array): LogEntry {
  try {
    return decodeEntry(payload);
  } catch (thrown) {
    throw damaged(path, offset, RunError.from(thrown).message);
  }
}

export function damaged(path: string, offset: number, reason: string): RunError {
  return new RunError("CHECKPOINT_CORRUPT", `${path} is damaged at byte ${offset}: ${reason}`);
}
