import { z } from "zod";
import { RunError } from "../../errors.ts";
import type { FrameBuffer } from "./frame-buffer.ts";
import type { ActorCursor, FrameId, LogRecord } from "./log-record.ts";

/**
 * Records as frames of a segment, little-endian:
 *
 *     u8 kind | u32 slot | u32 incarnation | f64 sequence | rest
 *
 * The rest of an unroll is its payload as it came over the wire, that of a refusal JSON. A join is its
 * kind and the cursor as JSON. Besides records there are, in every segment, a snapshot (kind and JSON) as
 * first frame and a mark (kind and f64) at the start of every later batch.
 */
const [SNAPSHOT, JOIN, UNROLL, REFUSED, SKIP, LEAVE, MARK] = [0, 1, 2, 3, 4, 5, 6] as const;
const HEAD_BYTES = 17;
const NOTHING = new Uint8Array(0);
/** Of a mark's frame, without its head. */
export const MARK_BYTES = 9;

/** What a segment begins with: the fold of all records before it. */
export interface LogSnapshot {
  /** Counts the segments of a run; of two that begin alike the greater was written later. */
  readonly ordinal: number;
  /** Index of the first unroll in the segment. */
  readonly first: number;
  /** Where the unrolls before it end; less than `first` if some were never logged. */
  readonly previousEnd: number;
  readonly cursors: readonly ActorCursor[];
}

/** What a frame may hold. */
export type LogEntry =
  | LogRecord
  | { readonly kind: "snapshot"; readonly snapshot: LogSnapshot }
  /** All before `offset`, the mark's own place in the file, was on the disk when it was written. */
  | { readonly kind: "mark"; readonly offset: number };

const count = z.int().nonnegative();
const reason = z.enum([
  ...["checksum", "format", "dtype", "shape", "oversize"],
  ...["early-end", "flag", "non-finite", "action-range"],
] as const satisfies readonly ActorCursor["refused"][number]["reason"][]);
const refusal = z.object({ reason, message: z.string() });
const cursor = z.object({
  slot: count,
  incarnation: count,
  host: z.string(),
  index: count,
  instance: z.string(),
  next: count,
  refused: z.array(refusal.extend({ sequence: count })),
  left: z.literal(true).exactOptional(),
}) satisfies z.ZodType<ActorCursor>;
const snapshot = z.object({
  ordinal: count,
  first: count,
  previousEnd: count,
  cursors: z.array(cursor),
}) satisfies z.ZodType<LogSnapshot>;

export function encodeRecord(buffer: FrameBuffer, record: LogRecord): void {
  switch (record.kind) {
    case "join":
      addJson(buffer, JOIN, record.cursor);
      return;
    case "unroll":
      addRecord(buffer, [UNROLL, record], record.payload);
      return;
    case "refused": {
      const { reason: why, message } = record;
      addRecord(buffer, [REFUSED, record], Buffer.from(JSON.stringify({ reason: why, message })));
      return;
    }
    case "skip":
      addRecord(buffer, [SKIP, record]);
      return;
    case "leave":
      addRecord(buffer, [LEAVE, { ...record, sequence: 0 }]);
      return;
    default:
      record satisfies never;
  }
}

export function encodeSnapshot(buffer: FrameBuffer, content: LogSnapshot): void {
  addJson(buffer, SNAPSHOT, content);
}

export function encodeMark(buffer: FrameBuffer, offset: number): void {
  buffer.add(MARK_BYTES, (payload) => {
    payload[0] = MARK;
    payload.writeDoubleLE(offset, 1);
  });
}

/** The offset in a mark; undefined when it is none. */
export function markOffset(payload: Buffer): number | undefined {
  return payload.length === MARK_BYTES && payload[0] === MARK ? payload.readDoubleLE(1) : undefined;
}

/**
 * @param payload Of a frame whose checksum is right; an unroll's payload views it.
 * @throws RunError CHECKPOINT_CORRUPT when it is no record all the same.
 */
export function decodeEntry(payload: Uint8Array): LogEntry {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const kind = bytes[0];
  if (kind === SNAPSHOT) return { kind: "snapshot", snapshot: parse(snapshot, bytes, 1) };
  if (kind === JOIN) return { kind: "join", cursor: parse(cursor, bytes, 1) };
  const offset = markOffset(bytes);
  if (offset !== undefined) return { kind: "mark", offset };
  if (bytes.length < HEAD_BYTES) throw notOne();
  const id = {
    slot: bytes.readUInt32LE(1),
    incarnation: bytes.readUInt32LE(5),
    sequence: bytes.readDoubleLE(9),
  };
  switch (kind) {
    case UNROLL:
      return { kind: "unroll", ...id, payload: bytes.subarray(HEAD_BYTES) };
    case REFUSED:
      return { kind: "refused", ...id, ...parse(refusal, bytes, HEAD_BYTES) };
    case SKIP:
      return { kind: "skip", ...id };
    case LEAVE:
      return { kind: "leave", slot: id.slot, incarnation: id.incarnation };
    default:
      throw notOne();
  }
}

function addRecord(
  buffer: FrameBuffer,
  [kind, id]: readonly [number, FrameId],
  rest: Uint8Array = NOTHING,
): void {
  buffer.add(HEAD_BYTES + rest.length, (payload) => {
    payload[0] = kind;
    payload.writeUInt32LE(id.slot, 1);
    payload.writeUInt32LE(id.incarnation, 5);
    payload.writeDoubleLE(id.sequence, 9);
    payload.set(rest, HEAD_BYTES);
  });
}

function addJson(buffer: FrameBuffer, kind: number, content: unknown): void {
  const json = Buffer.from(JSON.stringify(content));
  buffer.add(1 + json.length, (payload) => {
    payload[0] = kind;
    payload.set(json, 1);
  });
}

function parse<T>(schema: z.ZodType<T>, bytes: Buffer, start: number): T {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8", start));
  } catch (cause) {
    throw new RunError("CHECKPOINT_CORRUPT", "a record is not JSON", { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new RunError("CHECKPOINT_CORRUPT", `a record: ${z.prettifyError(result.error)}`);
}

function notOne(): RunError {
  return new RunError("CHECKPOINT_CORRUPT", "a frame that is no record of the log");
}
