import type { Unroll, UnrollShape } from "../protocol.ts";
import { FrameTable } from "./frame-table.ts";

/** Rows of a block beside its steps: the boundary, and room for the frames that the first steps look back on. */
export function extraRows({ frameStack = 1 }: UnrollShape): number {
  return frameStack;
}

/** From this width on, one `set` of a subarray beats a loop over the numbers. */
export const WIDE = 64;

/**
 * The numbers of each row side by side, 4 bytes each:
 *
 *     observation | action | reward | policy version
 *
 * Records, not one array per column: a batch takes its rows from all over memory, and a record of 100
 * bytes costs two or three cache misses and one page-table walk where columns cost one of each apiece
 * (HalfCheetah, batch 256: 70 us instead of 140).
 *
 * Frames of bytes are apart, and the records have no observation then.
 */
export class RowTable {
  /** Numbers in a record. */
  readonly stride: number;
  /** Numbers of an observation in a record; 0 where there are frames. */
  readonly observationSize: number;
  readonly actionSize: number;
  /** Where the action, the reward and the policy version are in a record. */
  readonly actionAt: number;
  readonly rewardAt: number;
  readonly versionAt: number;
  /** [rows, stride] */
  readonly floats: Float32Array;
  /** The same memory as integers, for the policy versions. */
  readonly words: Int32Array;
  /** One for each row, where observations are stacks of them. */
  readonly frames: FrameTable | undefined;
  readonly #extraRows: number;

  constructor(shape: UnrollShape, rows: number) {
    this.frames = shape.frameStack === undefined ? undefined : new FrameTable(shape, rows);
    this.observationSize = this.frames ? 0 : shape.observationSize;
    this.actionSize = shape.actionSize;
    this.actionAt = this.observationSize;
    this.rewardAt = this.actionAt + shape.actionSize;
    this.versionAt = this.rewardAt + 1;
    this.stride = this.versionAt + 1;
    this.floats = new Float32Array(rows * this.stride);
    this.words = new Int32Array(this.floats.buffer);
    this.#extraRows = extraRows(shape);
  }

  /** Writes a block from `slot` on: of T records, and behind them observations and zeros. */
  write(slot: number, unroll: Unroll): void {
    const { floats, words, stride, actionSize } = this;
    const boundary = slot + unroll.length;
    const end = boundary + this.#extraRows;
    this.#writeObservations(slot, unroll);
    for (let row = slot, t = 0; row < boundary; row++, t++) {
      const record = row * stride;
      copyNumbers(unroll.actions, t * actionSize, {
        to: floats,
        at: record + this.actionAt,
        count: actionSize,
      });
      floats[record + this.rewardAt] = unroll.rewards[t]!;
      words[record + this.versionAt] = unroll.policyVersions[t]!;
    }
    floats.fill(0, boundary * stride + this.actionAt, end * stride);
  }

  #writeObservations(slot: number, { observations, length }: Unroll): void {
    const { floats, stride, observationSize } = this;
    if (observations instanceof Uint8Array) {
      this.frames?.write(slot, observations);
      return;
    }
    for (let row = slot, t = 0; t <= length; row++, t++) {
      copyNumbers(observations, t * observationSize, {
        to: floats,
        at: row * stride,
        count: observationSize,
      });
    }
  }

  clear(slot: number, rows: number): void {
    this.frames?.clear({ row: slot, count: rows });
    this.floats.fill(0, slot * this.stride, (slot + rows) * this.stride);
  }
}

export interface CopyTarget {
  readonly to: Float32Array;
  readonly at: number;
  readonly count: number;
}

/** Copies `count` numbers of `from`, beginning with number `start`. */
export function copyNumbers(from: Float32Array, start: number, target: CopyTarget): void {
  const { to, at, count } = target;
  if (count >= WIDE) {
    to.set(from.subarray(start, start + count), at);
    return;
  }
  for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}
