import type { Observations } from "../protocol.ts";
import type { ReplayBatch } from "./batch.ts";
import { type RowRing, STEP, TERMINATED } from "./ring.ts";
import { type RowTable, WIDE } from "./row-table.ts";

/** 4-byte numbers in a cache line. */
const LINE = 16;

/** Powers of gamma: element m is gamma^m, for m = 0..nSteps. */
export function discountPowers(gamma: number, nSteps: number): Float64Array {
  return Float64Array.from({ length: nSteps + 1 }, (_, m) => gamma ** m);
}

/**
 * Fills the batch from `batch.slots`, all but the importance weights.
 *
 * The records lie all over memory. A short loop that reads one number of each cache line has many misses
 * under way at once, where copying waits for each in turn: so records are fetched first, then copied.
 *
 * @param discounts `discountPowers(gamma, n)`.
 */
export function gatherBatch(ring: RowRing, batch: ReplayBatch, discounts: Float64Array): void {
  const { table } = ring;
  const { slots, lengths, generations } = batch;
  // What is fetched goes into columns that get their own contents further down.
  fetchRecords(table, slots, lengths);
  fillWindows(ring, batch, discounts);
  for (let b = 0; b < batch.size; b++) generations[b] = slots[b]! + lengths[b]!;
  fetchRecords(table, generations, batch.policyVersions);
  copyObservations(table, generations, batch.nextObservations);
  copyObservations(table, slots, batch.observations);
  copyColumn(table, { rows: slots, start: table.actionAt }, batch.actions);
  for (let b = 0; b < batch.size; b++) {
    const slot = slots[b]!;
    generations[b] = ring.generationOf(slot);
    batch.policyVersions[b] = table.words[slot * table.stride + table.versionAt]!;
  }
}

/** Brings the records of `rows` near; `out` gets a mixture of their bits, so that nothing is left out. */
function fetchRecords(table: RowTable, rows: Uint32Array, out: Int32Array): void {
  const { words, stride } = table;
  for (let b = 0; b < rows.length; b++) {
    const first = rows[b]! * stride;
    const last = first + stride - 1;
    let bits = words[last]!;
    for (let at = first; at < last; at += LINE) bits ^= words[at]!;
    out[b] = bits;
  }
}

/**
 * Returns and bootstrap discounts:
 *
 *     R_t = sum_{i<m} gamma^i r_{t+i},   bootstrap discount = gamma^m (1 - terminated)
 *     m   = min(n, steps to termination, truncation or the end of the block)
 *
 * An episode's end is always the end of its block. The row after the m-th step holds its true successor.
 */
function fillWindows(ring: RowRing, batch: ReplayBatch, discounts: Float64Array): void {
  const { flags, table } = ring;
  const { floats, stride, rewardAt } = table;
  const nSteps = discounts.length - 1;
  for (let b = 0; b < batch.size; b++) {
    const slot = batch.slots[b]!;
    let length = 1;
    let nStepReturn = floats[slot * stride + rewardAt]!;
    let flag = flags[slot]!;
    while (length < nSteps && (flags[slot + length]! & STEP) !== 0) {
      nStepReturn += discounts[length]! * floats[(slot + length) * stride + rewardAt]!;
      flag = flags[slot + length]!;
      length += 1;
    }
    batch.returns[b] = nStepReturn;
    batch.bootstrapDiscounts[b] = (flag & TERMINATED) !== 0 ? 0 : discounts[length]!;
    batch.lengths[b] = length;
  }
}

/** What is seen in each of `rows`, to a row of `to`, [B, observation size]. */
function copyObservations(table: RowTable, rows: Uint32Array, to: Observations): void {
  if (to instanceof Float32Array) {
    copyColumn(table, { rows, start: 0 }, to);
    return;
  }
  const { frames } = table;
  if (frames === undefined) throw new TypeError("a batch of frames from a replay without");
  const width = to.length / rows.length;
  const count = width / frames.frameSize;
  for (let b = 0; b < rows.length; b++) frames.copy({ row: rows[b]!, count }, to, b * width);
}

/** Copies the numbers from `start` on of each record in `rows` to a row of `to`, [B, width]. */
function copyColumn(
  table: RowTable,
  from: { readonly rows: Uint32Array; readonly start: number },
  to: Float32Array,
): void {
  const { floats, stride } = table;
  const { rows, start } = from;
  const width = to.length / rows.length;
  let target = 0;
  for (let b = 0; b < rows.length; b++) {
    const source = rows[b]! * stride + start;
    if (width >= WIDE) to.set(floats.subarray(source, source + width), b * width);
    else for (let i = source; i < source + width; i++) to[target++] = floats[i]!;
  }
}
