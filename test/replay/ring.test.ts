import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Unroll } from "../../src/protocol.ts";
import { guaranteedSize, RowRing, ringRows } from "../../src/replay/ring.ts";
import { packBlocks, unpack } from "../../src/replay/unroll-pack.ts";
import { makeUnrolls, OPTIONS, unrollPlans } from "./make-unroll.ts";

/** What the ring holds, oldest first. */
function contents(ring: RowRing): Unroll[] {
  const { oldestBlock, oldestRow, nextBlock } = ring.position;
  const range = { firstBlock: oldestBlock, firstRow: oldestRow, endBlock: nextBlock };
  return [...unpack(packBlocks(ring, range))];
}

function steps(unrolls: readonly Unroll[]): number {
  return unrolls.reduce((sum, { length }) => sum + length, 0);
}

const shapes = fc
  .record({
    capacity: fc.integer({ min: 6, max: 30 }),
    unrollLength: fc.integer({ min: 1, max: 6 }),
  })
  .map((sizes) => ({ ...OPTIONS, ...sizes }));

describe("RowRing", () => {
  test("holds the newest unrolls, whole, unchanged and in order", () => {
    fc.assert(
      fc.property(shapes, unrollPlans(6, 40), (shape, plans) => {
        const fitting = plans.filter(({ length }) => length <= shape.unrollLength);
        const unrolls = makeUnrolls(fitting, shape);
        const ring = new RowRing(shape, () => {});
        for (const [i, unroll] of unrolls.entries()) {
          ring.append(unroll);
          const { oldestBlock, nextBlock } = ring.position;
          expect(nextBlock).toBe(i + 1);
          const held = unrolls.slice(oldestBlock, nextBlock);
          expect(contents(ring)).toEqual(held);
          expect(ring.size).toBe(steps(held));
        }
      }),
    );
  });

  test("never exceeds its capacity, and never falls below the size it guarantees", () => {
    fc.assert(
      fc.property(shapes, unrollPlans(6, 80), (shape, plans) => {
        const fitting = plans.filter(({ length }) => length <= shape.unrollLength);
        const ring = new RowRing(shape, () => {});
        let inserted = 0;
        for (const unroll of makeUnrolls(fitting, shape)) {
          ring.append(unroll);
          inserted += unroll.length;
          expect(ring.size).toBeLessThanOrEqual(shape.capacity);
          expect(ring.span).toBeLessThanOrEqual(ring.rows);
          expect(ring.size).toBeGreaterThanOrEqual(Math.min(inserted, guaranteedSize(shape)));
        }
      }),
    );
  });

  test("fills its capacity when unrolls are half as long as they may be", () => {
    const shape = { ...OPTIONS, capacity: 1000, unrollLength: 8 };
    const ring = new RowRing(shape, () => {});
    const plans = Array.from({ length: 600 }, () => ({ length: 4, end: "none" as const }));
    for (const unroll of makeUnrolls(plans, shape)) ring.append(unroll);
    expect(ring.size).toBe(1000);
    expect(ring.rows).toBe(ringRows(shape));
  });

  test("skips rows before its seam only if the next unroll does not fit", () => {
    const ring = new RowRing(OPTIONS, () => {});
    expect(ring.rows).toBe(35);
    const plan = { length: 4, end: "none" as const };
    for (const unroll of makeUnrolls(Array.from({ length: 7 }, () => plan))) ring.append(unroll);
    expect(ring.position.nextRow).toBe(35);
    for (const unroll of makeUnrolls([
      { ...plan, length: 3 },
      ...Array.from({ length: 6 }, () => plan),
    ])) {
      ring.append(unroll);
    }
    expect(ring.position.nextRow).toBe(35 + 4 + 6 * 5);
    ring.append(makeUnrolls([{ ...plan, length: 1 }])[0]!);
    expect(ring.position.nextRow).toBe(2 * 35 + 2);
  });

  test("tells who leaves, and knows a slot's tenant from the one before", () => {
    const left: number[] = [];
    const ring = new RowRing(OPTIONS, (slot, rows) => left.push(slot, rows));
    const plans = Array.from({ length: 5 }, () => ({ length: 4, end: "none" as const }));
    for (const unroll of makeUnrolls(plans)) ring.append(unroll);
    expect(left).toEqual([]);
    expect(ring.holds(0, ring.generationOf(0))).toBe(true);
    expect(ring.holds(4, ring.generationOf(4))).toBe(false); // a boundary
    ring.append(makeUnrolls(plans)[0]!);
    expect(left).toEqual([0, 4]);
    expect(ring.holds(0, 0)).toBe(false);
    expect(ring.holds(5, 0)).toBe(true);
    for (let i = 0; i < 2; i++) for (const unroll of makeUnrolls(plans)) ring.append(unroll);
    const slot = ring.slotOf(ring.position.oldestRow);
    expect(ring.generationOf(slot)).toBeGreaterThan(0);
    expect(ring.holds(slot, ring.generationOf(slot))).toBe(true);
    expect(ring.holds(slot, ring.generationOf(slot) - 1)).toBe(false);
    expect(ring.holds(slot, ring.generationOf(slot) + 1)).toBe(false);
  });
});
