import { readFileSync } from "node:fs";
import { crc32c } from "@node-rs/crc32";
import { RunError } from "../../errors.ts";
import { FRAME_HEAD_BYTES, HEADER_BYTES } from "../segment-format.ts";
import { readOpenSegment } from "../segment-reader.ts";
import { damaged, decodeSegment, type SegmentContent } from "./log-reader.ts";
import { MARK_BYTES, markOffset } from "./record-codec.ts";

export interface OpenLog {
  /** Whole frames, as they lie in the file. */
  readonly payloads: readonly Uint8Array[];
  readonly content: SegmentContent;
  /** Behind the last whole frame. */
  readonly tornBytes: number;
}

/**
 * Reads a segment that a crash left open, up to its first torn frame. Undefined if not even its snapshot
 * is whole: then nothing in it was ever reported durable.
 *
 * A crash tears nothing but the last batch, which nobody was told of. A mark behind the tear means that
 * the disk had what is torn: that is damage, and not passed over.
 *
 * @throws RunError CHECKPOINT_CORRUPT naming file and offset.
 */
export function readOpenLog(path: string): OpenLog | undefined {
  const { payloads, end, size } = readFrames(path);
  if (end < size && hasMarkBehind(path, end)) {
    throw damaged(path, end, "a frame in the midst of what was on the disk");
  }
  if (payloads.length === 0) return undefined;
  return { payloads, content: decodeSegment(path, payloads), tornBytes: size - end };
}

function readFrames(path: string): { payloads: readonly Uint8Array[]; end: number; size: number } {
  try {
    const { frames, tornBytes } = readOpenSegment(path);
    const end = frames.reduce((sum, { length }) => sum + FRAME_HEAD_BYTES + length, HEADER_BYTES);
    return { payloads: frames, end, size: end + tornBytes };
  } catch (thrown) {
    if (!(thrown instanceof RunError && thrown.code === "CHECKPOINT_CORRUPT")) throw thrown;
    // Its header is torn.
    return { payloads: [], end: 0, size: Infinity };
  }
}

/** Marks name their own place, so that none is found where there is none. */
function hasMarkBehind(path: string, start: number): boolean {
  const file = readFileSync(path);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(MARK_BYTES);
  for (let at = file.indexOf(length, start); at !== -1; at = file.indexOf(length, at + 1)) {
    const payload = file.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + MARK_BYTES);
    if (payload.length < MARK_BYTES) return false;
    const checksum = crc32c(payload, crc32c(file.subarray(at, at + 4)));
    if (file.readUInt32LE(at + 4) !== checksum) continue;
    if (markOffset(payload) === at) return true;
  }
  return false;
}
