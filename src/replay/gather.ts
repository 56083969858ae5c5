import type { ReplayBatch } from "./batch.ts";
import { type RowRing, STEP, TERMINATED } from "./ring.ts";

/** From this width on, one `set` of a subarray beats a loop over the numbers. */
const WIDE_ROW = 64;

/** Powers of gamma: element m is gamma^m, for m = 0..nSteps. */
export function discountPowers(gamma: number, nSteps: number): Float64Array {
  return Float64Array.from({ length: nSteps + 1 }, (_, m) => gamma ** m);
}

/**
 * Fills the batch from `batch.slots`, all but the importance weights.
 *
 * Column by column: the loads of one column do not depend on each other, so their cache misses overlap.
 *
 * @param discounts `discountPowers(gamma, n)`.
 */
export function gatherBatch(ring: RowRing, batch: ReplayBatch, discounts: Float64Array): void {
  fillWindows(ring, batch, discounts);
  const { slots, lengths, generations, policyVersions } = batch;
  for (let b = 0; b < batch.size; b++) policyVersions[b] = ring.policyVersions[slots[b]!]!;
  copyRows(ring.actions, slots, batch.actions);
  copyRows(ring.observations, slots, batch.observations);
  // The generations' buffer holds the successors' slots until it gets its own contents.
  for (let b = 0; b < batch.size; b++) generations[b] = slots[b]! + lengths[b]!;
  copyRows(ring.observations, generations, batch.nextObservations);
  for (let b = 0; b < batch.size; b++) generations[b] = ring.generationOf(slots[b]!);
}

/**
 * Returns and bootstrap discounts:
 *
 *     R_t = sum_{i<m} gamma^i r_{t+i},   bootstrap discount = gamma^m (1 - terminated)
 *     m   = min(n, steps to termination, truncation or the end of the block)
 *
 * In all three cases the row after the m-th step holds its true successor.
 */
function fillWindows(ring: RowRing, batch: ReplayBatch, discounts: Float64Array): void {
  const { rewards, flags } = ring;
  const nSteps = discounts.length - 1;
  for (let b = 0; b < batch.size; b++) {
    const slot = batch.slots[b]!;
    let length = 1;
    let nStepReturn = rewards[slot]!;
    let flag = flags[slot]!;
    while (length < nSteps && flag === STEP && (flags[slot + length]! & STEP) !== 0) {
      nStepReturn += discounts[length]! * rewards[slot + length]!;
      flag = flags[slot + length]!;
      length += 1;
    }
    batch.returns[b] = nStepReturn;
    batch.bootstrapDiscounts[b] = (flag & TERMINATED) !== 0 ? 0 : discounts[length]!;
    batch.lengths[b] = length;
  }
}

/** Copies row `rows[b]` of `from` to row b of `to`, for every b. */
function copyRows(from: Float32Array, rows: Uint32Array, to: Float32Array): void {
  const width = to.length / rows.length;
  if (width >= WIDE_ROW) {
    for (let b = 0; b < rows.length; b++) {
      to.set(from.subarray(rows[b]! * width, (rows[b]! + 1) * width), b * width);
    }
    return;
  }
  let target = 0;
  for (let b = 0; b < rows.length; b++) {
    const source = rows[b]! * width;
    for (let i = source; i < source + width; i++) to[target++] = from[i]!;
  }
}
