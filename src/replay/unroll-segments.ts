import { join } from "node:path";
import { RunError } from "../errors.ts";
import type { Unroll, UnrollShape } from "../protocol.ts";
import type { UnrollSegment } from "./replay-state.ts";
import type { RowRing } from "./ring.ts";
import { readSegment } from "./segment-reader.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { decodePack, encodePack, packBlocks, unpack } from "./unroll-pack.ts";

/** A segment is closed at this size, so that the disk space of forgotten unrolls is freed in steps. */
const SEGMENT_BYTES = 16 << 20;
const FRAME_BYTES = 1 << 20;

/** Where a block begins; padding may lie between `row` and its first step. */
export interface BlockStart {
  readonly block: number;
  readonly row: number;
}

/** Writes the blocks from `start` to the newest into new segments. */
export function writeUnrolls(folder: string, ring: RowRing, start: BlockStart): UnrollSegment[] {
  const segments: UnrollSegment[] = [];
  const { nextBlock } = ring.position;
  for (let from = { ...start, row: ring.skipPadding(start.row) }; from.block < nextBlock; ) {
    using writer = new SegmentWriter(folder, "unrolls.open");
    const firstBlock = from.block;
    while (from.block < nextBlock && writer.sizeBytes < SEGMENT_BYTES) {
      const to = frameEnd(ring, from);
      const range = { firstBlock: from.block, firstRow: from.row, endBlock: to.block };
      writer.append(encodePack(packBlocks(ring, range)));
      from = to;
    }
    const number = String(firstBlock).padStart(12, "0");
    const file = writer.seal((sha256) => `unrolls-${number}-${sha256.slice(0, 16)}.seg`);
    segments.push({ ...file, firstBlock, endBlock: from.block });
  }
  return segments;
}

/** The end of the blocks that go into one frame. */
function frameEnd(ring: RowRing, from: BlockStart): BlockStart {
  const { observationSize, actionSize } = ring.shape;
  const rows = Math.ceil(FRAME_BYTES / (4 * (observationSize + actionSize + 2)));
  const { nextBlock } = ring.position;
  let { block, row } = from;
  while (block < nextBlock && row - from.row < rows) {
    row = ring.rowAfter(row, ring.lengthAt(row));
    block += 1;
  }
  return { block, row };
}

/**
 * The unrolls from block `firstBlock` on, in order.
 *
 * @throws RunError CHECKPOINT_CORRUPT with file and offset, or naming the segment that does not fit.
 */
export function* readUnrolls(
  folder: string,
  segments: readonly UnrollSegment[],
  wanted: { readonly shape: UnrollShape; readonly firstBlock: number },
): Generator<Unroll> {
  for (const segment of segments) {
    const path = join(folder, segment.name);
    let block = segment.firstBlock;
    for (const payload of readSegment(path)) {
      const pack = decodePack(payload, wanted.shape);
      if (pack === undefined) {
        throw new RunError("CHECKPOINT_CORRUPT", `${path} holds something else than unrolls`);
      }
      for (const unroll of unpack(pack)) {
        if (block >= wanted.firstBlock) yield unroll;
        block += 1;
      }
    }
    if (block !== segment.endBlock) {
      throw new RunError(
        "CHECKPOINT_CORRUPT",
        `${path} holds ${block - segment.firstBlock} unrolls instead of ${segment.endBlock - segment.firstBlock}`,
      );
    }
  }
}
