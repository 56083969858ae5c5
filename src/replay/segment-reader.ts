import { readFileSync } from "node:fs";
import { crc32c } from "@node-rs/crc32";
import { RunError } from "../errors.ts";
import {
  FRAME_HEAD_BYTES,
  HEADER_BYTES,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  TRAILER_BYTES,
  TRAILER_MARK,
} from "./segment-format.ts";

export interface SegmentContents {
  /** The payloads, in order, as views of the file's bytes. */
  readonly frames: readonly Uint8Array[];
  /** Bytes after the last whole frame of a segment that was never sealed; 0 for a sealed one. */
  readonly tornBytes: number;
}

/**
 * Reads a sealed segment and checks every byte of it.
 *
 * @throws RunError CHECKPOINT_CORRUPT with file and offset if it is missing, cut, or changed.
 */
export function readSegment(path: string): Uint8Array[] {
  return sealedFrames(path, readWhole(path));
}

/**
 * The same for a file that was read.
 *
 * @param path What to call it.
 */
export function sealedFrames(path: string, file: Buffer): Uint8Array[] {
  return framesOf({ path, file }, "sealed").frames;
}

/**
 * Reads a segment that a crash may have left open: all frames before the first that is torn.
 *
 * @throws RunError CHECKPOINT_CORRUPT if the file is missing or its header is not a segment's.
 */
export function readOpenSegment(path: string): SegmentContents {
  return framesOf({ path, file: readWhole(path) }, "open");
}

function framesOf(
  { path, file }: { readonly path: string; readonly file: Buffer },
  expected: "sealed" | "open",
): SegmentContents & { frames: Uint8Array[] } {
  checkHeader(path, file);
  const frames: Uint8Array[] = [];
  let offset = HEADER_BYTES;
  for (;;) {
    const found = frameAt(file, offset, frames.length);
    if (found.kind === "frame") {
      frames.push(found.payload);
      offset += FRAME_HEAD_BYTES + found.payload.length;
      continue;
    }
    if (found.kind === "end") return { frames, tornBytes: 0 };
    if (expected === "open") return { frames, tornBytes: file.length - offset };
    throw corrupt(path, offset, found.reason);
  }
}

type Found =
  | { readonly kind: "frame"; readonly payload: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "damage"; readonly reason: string };

function frameAt(file: Buffer, offset: number, framesBefore: number): Found {
  const left = file.length - offset;
  if (left < FRAME_HEAD_BYTES)
    return damage(`the file ends after ${file.length} bytes, without a trailer`);
  const length = file.readUInt32LE(offset);
  if (length === TRAILER_MARK) return trailerAt(file, offset, framesBefore);
  if (left < FRAME_HEAD_BYTES + length) {
    return damage(`a frame of ${length} bytes, but only ${left - FRAME_HEAD_BYTES} follow`);
  }
  const start = offset + FRAME_HEAD_BYTES;
  const payload = file.subarray(start, start + length);
  const expected = file.readUInt32LE(offset + 4);
  if (crc32c(payload, crc32c(file.subarray(offset, offset + 4))) !== expected) {
    return damage(`the checksum of a frame of ${length} bytes is wrong`);
  }
  return { kind: "frame", payload };
}

function trailerAt(file: Buffer, offset: number, framesBefore: number): Found {
  const left = file.length - offset;
  if (left !== TRAILER_BYTES)
    return damage(`a trailer with ${left} bytes left instead of ${TRAILER_BYTES}`);
  if (crc32c(file.subarray(offset, offset + 8)) !== file.readUInt32LE(offset + 8)) {
    return damage("the checksum of the trailer is wrong");
  }
  const frames = file.readUInt32LE(offset + 4);
  if (frames !== framesBefore) return damage(`${framesBefore} frames instead of ${frames}`);
  return { kind: "end" };
}

function damage(reason: string): Found {
  return { kind: "damage", reason };
}

function checkHeader(path: string, file: Buffer): void {
  if (file.length < HEADER_BYTES) throw corrupt(path, 0, `only ${file.length} bytes`);
  if (!file.subarray(0, SEGMENT_MAGIC.length).equals(SEGMENT_MAGIC))
    throw corrupt(path, 0, "no segment file");
  if (crc32c(file.subarray(0, 12)) !== file.readUInt32LE(12)) {
    throw corrupt(path, 0, "the checksum of the header is wrong");
  }
  const version = file.readUInt32LE(8);
  if (version !== SEGMENT_VERSION) {
    throw new RunError(
      "CHECKPOINT_INCOMPATIBLE",
      `${path} has format version ${version}; this version of troupe reads ${SEGMENT_VERSION}`,
    );
  }
}

function readWhole(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new RunError("CHECKPOINT_CORRUPT", `${path}: ${reason}`, { cause: thrown });
  }
}

function corrupt(path: string, offset: number, reason: string): RunError {
  return new RunError("CHECKPOINT_CORRUPT", `${path} is damaged at byte ${offset}: ${reason}`);
}
