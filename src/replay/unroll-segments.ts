import { join } from "node:path";
import { RunError } from "../errors.ts";
import { rowBytes, type Unroll, type UnrollShape } from "../protocol.ts";
import { isLogFile, parseSealedName } from "./log/log-names.ts";
import { readLoggedUnrolls } from "./log/log-reader.ts";
import type { UnrollSegment } from "./replay-state.ts";
import type { RowRing } from "./ring.ts";
import { readSegment } from "./segment-reader.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { type DecodedUnroll, UnrollDecoder } from "./unroll-codec.ts";
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
  const { shape } = ring;
  const rows = Math.ceil(FRAME_BYTES / (rowBytes(shape) + 4 * (shape.actionSize + 2)));
  const { nextBlock } = ring.position;
  let { block, row } = from;
  while (block < nextBlock && row - from.row < rows) {
    row = ring.rowAfter(row, ring.lengthAt(row));
    block += 1;
  }
  return { block, row };
}

/** Which of the saved blocks to read. */
export interface WantedBlocks {
  readonly shape: UnrollShape;
  readonly firstBlock: number;
  readonly endBlock: number;
}

/**
 * The unrolls of blocks [firstBlock, endBlock), in order. Where segments overlap, the earlier is read.
 *
 * @throws RunError CHECKPOINT_CORRUPT with file and offset, or naming the segment that does not fit.
 */
export function* readUnrolls(
  folder: string,
  segments: readonly UnrollSegment[],
  wanted: WantedBlocks,
): Generator<Unroll> {
  let next = wanted.firstBlock;
  for (const segment of segments) {
    const end = Math.min(segment.endBlock, wanted.endBlock);
    if (end <= next) continue;
    if (segment.firstBlock > next) {
      throw new RunError("CHECKPOINT_CORRUPT", `replay's blocks from ${next} on are in no segment`);
    }
    const range = { shape: wanted.shape, firstBlock: next, endBlock: end };
    yield* isLogFile(segment.name)
      ? readLogged(folder, segment, range)
      : readPacked(join(folder, segment.name), segment, range);
    next = end;
  }
}

function* readPacked(
  path: string,
  segment: UnrollSegment,
  wanted: WantedBlocks,
): Generator<Unroll> {
  let block = segment.firstBlock;
  for (const payload of readSegment(path)) {
    const pack = decodePack(payload, wanted.shape);
    if (pack === undefined) {
      throw new RunError("CHECKPOINT_CORRUPT", `${path} holds something else than unrolls`);
    }
    for (const unroll of unpack(pack, wanted.shape)) {
      if (block >= wanted.firstBlock && block < wanted.endBlock) yield unroll;
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

/** From the log of accepted frames: block n is its unroll n. */
function* readLogged(
  folder: string,
  segment: UnrollSegment,
  wanted: WantedBlocks,
): Generator<Unroll> {
  const sealed = parseSealedName(segment.name);
  if (sealed === undefined) {
    throw new RunError("CHECKPOINT_CORRUPT", `${segment.name} is no segment of the log`);
  }
  const range = { from: wanted.firstBlock, to: wanted.endBlock };
  const decoder = new GrowingDecoder(wanted.shape);
  const file = { ...sealed, sizeBytes: segment.sizeBytes };
  for (const { index, slot, payload } of readLoggedUnrolls(folder, [file], range)) {
    const { unroll, refusal } = decoder.decode(payload, slot);
    if (unroll === undefined) {
      const what = `${segment.name}: unroll ${index} is none`;
      throw new RunError("CHECKPOINT_CORRUPT", `${what}: ${refusal.message}`);
    }
    yield unroll;
  }
}

/** Decodes unrolls of any length: its buffers are as long as the longest needs, not as replay's capacity. */
class GrowingDecoder {
  readonly #shape: UnrollShape;
  #decoder: UnrollDecoder | undefined;
  #length = 0;

  constructor(shape: UnrollShape) {
    this.#shape = shape;
  }

  decode(payload: Uint8Array, actor: number): DecodedUnroll {
    // A step takes an observation, an action, a reward and more.
    const { actionSize, unrollLength } = this.#shape;
    const steps = Math.ceil(payload.length / (rowBytes(this.#shape) + 4 * (actionSize + 1)));
    if (this.#decoder === undefined || steps > this.#length) {
      this.#length = Math.min(2 * steps, unrollLength);
      this.#decoder = new UnrollDecoder({ ...this.#shape, unrollLength: this.#length });
    }
    return this.#decoder.decode(payload, actor);
  }
}
