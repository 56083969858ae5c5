import type { Unroll, UnrollShape } from "../protocol.ts";
import { extraRows, RowTable } from "./row-table.ts";

/** Bits of `RowRing.flags`. A row without `STEP` is the boundary of a block, or padding. */
export const STEP = 1;
export const TERMINATED = 2;
export const TRUNCATED = 4;

export interface RingShape extends UnrollShape {
  /** Most transitions held at once. */
  readonly capacity: number;
}

/** Where the ring stands: rows and blocks counted since the start, and the transitions held. */
export interface RingPosition {
  readonly oldestRow: number;
  readonly nextRow: number;
  readonly oldestBlock: number;
  readonly nextBlock: number;
  readonly size: number;
}

/**
 * Rows to allocate. A block of T steps takes T + k rows, k = 1 but for stacks of k frames, so a full ring of
 * blocks of length L needs capacity (1 + k/L) rows. Sized for a mean of L = T / 2, since the ends of episodes cut unrolls short;
 * where they are shorter still, the ring holds fewer transitions than its capacity.
 */
export function ringRows(shape: RingShape): number {
  const { capacity, unrollLength } = shape;
  const boundaries = Math.min(capacity, Math.ceil((2 * capacity) / unrollLength));
  return capacity + (boundaries + 1) * extraRows(shape) + unrollLength;
}

/**
 * Transitions that a ring which has been full once always holds, however short its unrolls. Blocks leave
 * whole: up to T - 1 transitions more than needed, or T rows, besides T rows of padding.
 */
export function guaranteedSize(shape: RingShape): number {
  const { capacity, unrollLength } = shape;
  const extra = extraRows(shape);
  const rows = ringRows(shape) - 2 * (unrollLength + extra - 1);
  return Math.max(1, Math.min(capacity - unrollLength + 1, Math.floor(rows / (1 + extra))));
}

/**
 * Holds unrolls as blocks, in order of insertion, in one ring of rows.
 *
 *     block:  step 0 | step 1 | ... | step T-1 | boundary       (T + 1 rows, one after another)
 *
 * Row t holds the observation before step t and that step's action, reward, flags and policy version;
 * the boundary row holds the observation after the last step, zeros otherwise, and is no transition. So
 * the successor of a step is always the next row. A block never crosses the seam: rows left over before
 * it are padding. Rows are counted for ever; row r lies at slot r mod `rows` in generation
 * floor(r / rows), which tells a slot's tenant from the ones before it.
 *
 * Where observations are stacks of k frames, the block's k - 1 + T + 1 frames lie one after another from its
 * first row on, so that the stack of the step in row r is the frames of rows r to r + k - 1; the k - 1 rows
 * behind the boundary hold nothing else.
 *
 * The operating system supplies zeroed memory page by page, as rows are first written.
 */
export class RowRing {
  readonly shape: RingShape;
  readonly rows: number;
  readonly table: RowTable;
  /** [rows], apart from the table: what is asked most often is small enough for the caches. */
  readonly flags: Uint8Array;
  /** [most blocks, 2]: actor and env of block b, at b mod (most blocks). */
  readonly #origins: Int32Array;
  readonly #extraRows: number;
  readonly #onEvict: (firstSlot: number, rowCount: number) => void;
  #oldestRow = 0;
  #nextRow = 0;
  /** `#nextRow` as a slot and its generation: a remainder of large numbers is slow. */
  #nextSlot = 0;
  #lap = 0;
  #oldestBlock = 0;
  #nextBlock = 0;
  #size = 0;

  /** @param onEvict Told of each block that leaves, before its rows are reused. */
  constructor(shape: RingShape, onEvict: (firstSlot: number, rowCount: number) => void) {
    this.shape = shape;
    this.rows = ringRows(shape);
    this.table = new RowTable(shape, this.rows);
    this.flags = new Uint8Array(this.rows);
    this.#origins = new Int32Array(2 * Math.ceil(this.rows / 2));
    this.#extraRows = extraRows(shape);
    this.#onEvict = onEvict;
  }

  /** Transitions held. */
  get size(): number {
    return this.#size;
  }

  get position(): RingPosition {
    return {
      oldestRow: this.#oldestRow,
      nextRow: this.#nextRow,
      oldestBlock: this.#oldestBlock,
      nextBlock: this.#nextBlock,
      size: this.#size,
    };
  }

  /** Rows between the oldest and the newest, boundaries and padding included. */
  get span(): number {
    return this.#nextRow - this.#oldestRow;
  }

  slotOf(row: number): number {
    return row % this.rows;
  }

  /** Generation of the rows now at `slot`; meaningless for a slot that holds none. */
  generationOf(slot: number): number {
    return slot < this.#nextSlot ? this.#lap : this.#lap - 1;
  }

  /** Whether the step that was at `slot` in `generation` is still there. */
  holds(slot: number, generation: number): boolean {
    const row = generation * this.rows + slot;
    return row >= this.#oldestRow && row < this.#nextRow && (this.flags[slot]! & STEP) !== 0;
  }

  /** Actor and environment index of the held blocks from `first` up to `end`, [end - first, 2]. */
  origins(first: number, end: number): Int32Array {
    const out = new Int32Array(2 * (end - first));
    for (let block = first; block < end; block++) {
      const at = this.#originAt(block);
      out[2 * (block - first)] = this.#origins[at]!;
      out[2 * (block - first) + 1] = this.#origins[at + 1]!;
    }
    return out;
  }

  /** Steps of the block whose first row is `row`. */
  lengthAt(row: number): number {
    const first = this.slotOf(row);
    let slot = first;
    while ((this.flags[slot]! & STEP) !== 0) slot++;
    return slot - first;
  }

  /** First row of the block after the one of `length` steps at `row`, or `nextRow` after the last. */
  rowAfter(row: number, length: number): number {
    return this.skipPadding(row + length + 1);
  }

  /** `row`, unless it is padding: then the first row behind. */
  skipPadding(row: number): number {
    let step = row;
    while (step < this.#nextRow && (this.flags[this.slotOf(step)]! & STEP) === 0) step++;
    return step;
  }

  /** Moves an empty ring on, so that what is appended lands where it was before. */
  startAt(start: { readonly row: number; readonly block: number }): void {
    if (this.#size > 0) throw new RangeError("the ring is not empty");
    this.#oldestRow = start.row;
    this.#moveTo(start.row);
    this.#oldestBlock = start.block;
    this.#nextBlock = start.block;
  }

  /** Copies a checked unroll in, evicting what is oldest as needed; returns the slot of its step 0. */
  append(unroll: Unroll): number {
    const steps = unroll.length;
    const slot = this.#reserve(steps);
    const boundary = slot + steps;
    this.table.write(slot, unroll);
    this.flags.fill(STEP, slot, boundary);
    if (unroll.terminated[steps - 1] === 1) this.flags[boundary - 1]! |= TERMINATED;
    if (unroll.truncated[steps - 1] === 1) this.flags[boundary - 1]! |= TRUNCATED;
    this.flags.fill(0, boundary, slot + steps + this.#extraRows);
    const origin = this.#originAt(this.#nextBlock);
    this.#origins[origin] = unroll.actor;
    this.#origins[origin + 1] = unroll.env;
    this.#nextBlock += 1;
    this.#moveTo(this.#nextRow + steps + this.#extraRows);
    this.#size += steps;
    return slot;
  }

  #moveTo(row: number): void {
    this.#nextRow = row;
    this.#lap = Math.floor(row / this.rows);
    this.#nextSlot = row - this.#lap * this.rows;
  }

  #originAt(block: number): number {
    return 2 * (block % (this.#origins.length / 2));
  }

  /** Makes room for a block that does not cross the seam; returns its first slot. */
  #reserve(steps: number): number {
    const needed = steps + this.#extraRows;
    const slot = this.#nextSlot;
    const padding = slot + needed > this.rows ? this.rows - slot : 0;
    while (
      this.#size > 0 &&
      (this.span + padding + needed > this.rows || this.#size + steps > this.shape.capacity)
    ) {
      this.#evictOldest();
    }
    if (padding > 0) this.#pad(slot);
    if (this.#size === 0) this.#oldestRow = this.#nextRow;
    return this.#nextSlot;
  }

  /** Fills the rows from `slot` to the seam with nothing. */
  #pad(slot: number): void {
    this.table.clear(slot, this.rows - slot);
    this.flags.fill(0, slot);
    this.#moveTo(this.#nextRow + this.rows - slot);
  }

  #evictOldest(): void {
    const row = this.#oldestRow;
    const steps = this.lengthAt(row);
    this.#onEvict(this.slotOf(row), steps);
    this.#oldestRow = this.rowAfter(row, steps);
    this.#oldestBlock += 1;
    this.#size -= steps;
  }
}
