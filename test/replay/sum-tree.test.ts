import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SumTree } from "../../src/replay/sum-tree.ts";

const weights = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
const wholeWeights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 70 });
const unit = fc.double({ min: 0, max: 1, noNaN: true });

function treeOf(ws: readonly number[]): SumTree {
  const tree = new SumTree(ws.length);
  for (const [i, w] of ws.entries()) tree.set(i, w);
  return tree;
}

/** The obvious O(n) draw. */
function scan(ws: readonly number[], mass: number): number {
  let sum = 0;
  for (const [i, w] of ws.entries()) {
    sum += w;
    if (mass < sum) return i;
  }
  return ws.findLastIndex((w) => w > 0);
}

describe("SumTree", () => {
  test("never draws a zero-weight leaf, even at the edge of the mass", () => {
    fc.assert(
      fc.property(weights, unit, (ws, u) => {
        const tree = treeOf(ws);
        fc.pre(tree.total > 0);
        expect(ws[tree.find(u * tree.total)]).toBeGreaterThan(0);
      }),
    );
  });

  test("draws what a scan over the weights draws", () => {
    fc.assert(
      fc.property(wholeWeights, unit, (ws, u) => {
        const tree = treeOf(ws);
        fc.pre(tree.total > 0);
        const mass = u * tree.total;
        expect(tree.find(mass)).toBe(scan(ws, mass));
      }),
    );
  });

  test("draws in batches what it draws one by one, at the edges too", () => {
    fc.assert(
      fc.property(weights, fc.array(fc.oneof(unit, fc.constantFrom(0, 1))), (ws, us) => {
        const tree = treeOf(ws);
        fc.pre(tree.total > 0);
        const masses = Float64Array.from(us, (u) => u * tree.total);
        const leaves = new Uint32Array(us.length);
        tree.findMany(masses, leaves, us.length);
        expect([...leaves]).toEqual([...masses].map((mass) => tree.find(mass)));
      }),
    );
  });

  test("reproduces the worked example: prefix sums of p^0.6 for p = (1, 2, 0.5, 4)", () => {
    const tree = treeOf([1, 2, 0.5, 4].map((p) => p ** 0.6));
    const prefixSums = [1, 2.515717, 3.175471, 5.472867];
    expect(tree.total).toBeCloseTo(5.472867, 6);
    for (const [leaf, sum] of prefixSums.entries()) {
      expect(tree.find(sum - 2e-6)).toBe(leaf);
      if (leaf < 3) expect(tree.find(sum + 2e-6)).toBe(leaf + 1);
    }
    const probabilities = [0, 1, 2, 3].map((leaf) => tree.get(leaf) / tree.total);
    const expected = [0.18272, 0.276951, 0.12055, 0.419779];
    for (const [i, p] of probabilities.entries()) expect(p).toBeCloseTo(expected[i]!, 6);
  });

  test("ranges, batches and rebuilding give bit for bit the tree that single writes give", () => {
    const write = fc.oneof(
      fc.record({
        kind: fc.constant("range" as const),
        first: fc.nat(99),
        count: fc.nat(40),
        weight: fc.double({ min: 0, max: 10, noNaN: true }),
      }),
      fc.record({
        kind: fc.constant("many" as const),
        pairs: fc.array(fc.tuple(fc.nat(99), fc.double({ min: 0, max: 10, noNaN: true }))),
      }),
    );
    fc.assert(
      fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
        const tree = new SumTree(100);
        const single = new SumTree(100);
        for (const w of writes) {
          if (w.kind === "range") {
            const count = Math.min(w.count, 100 - w.first);
            tree.setRange(w.first, count, w.weight);
            for (let i = 0; i < count; i++) single.set(w.first + i, w.weight);
          } else {
            const indices = Uint32Array.from(w.pairs, ([index]) => index);
            const values = Float64Array.from(w.pairs, ([, value]) => value);
            tree.setMany(indices, values, w.pairs.length);
            for (const [index, value] of w.pairs) single.set(index, value);
          }
        }
        expect(tree.total).toBe(single.total);
        expect(tree.weights).toEqual(single.weights);
        const rebuilt = new SumTree(100);
        rebuilt.weights.set(tree.weights);
        rebuilt.rebuild();
        expect(rebuilt.total).toBe(tree.total);
        for (let k = 0; k < 20; k++) {
          const mass = (k / 20) * tree.total;
          expect(tree.find(mass)).toBe(single.find(mass));
          expect(rebuilt.find(mass)).toBe(single.find(mass));
        }
      }),
    );
  });

  test("keeps counting ones past 2^24", () => {
    const tree = new SumTree(3);
    tree.set(0, 2 ** 24);
    tree.set(1, 1);
    expect(tree.total).toBe(2 ** 24 + 1);
  });

  test.each([
    ["a negative weight", 0, -1],
    ["NaN", 0, Number.NaN],
    ["infinity", 0, Infinity],
    ["a negative index", -1, 1],
    ["an index past the end", 4, 1],
  ])("refuses %s and changes nothing", (_, index, weight) => {
    const tree = treeOf([1, 2, 3, 4]);
    expect(() => tree.set(index, weight)).toThrow(RangeError);
    expect(() => tree.setRange(index, 1, weight)).toThrow(RangeError);
    const indices = new Uint32Array([1, index]);
    expect(() => tree.setMany(indices, new Float64Array([9, weight]), 2)).toThrow(RangeError);
    expect(tree.total).toBe(10);
  });
});
