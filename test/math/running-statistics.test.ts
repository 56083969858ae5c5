import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalise, RunningStatistics } from "../../src/math/running-statistics.ts";

const rowsOf = (size: number) =>
  fc
    .array(
      fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
        minLength: size,
        maxLength: size,
      }),
      { maxLength: 30 },
    )
    .map((rows) => rows.flat());

function statisticsOf(size: number, rows: readonly number[]): RunningStatistics {
  const statistics = new RunningStatistics(size);
  statistics.add(rows);
  return statistics;
}

/** Two passes over everything: the obvious version. */
function expectEqualsTwoPasses(statistics: RunningStatistics, rows: readonly number[]): void {
  const { size } = statistics;
  const count = rows.length / size;
  expect(statistics.count).toBe(count);
  for (let i = 0; i < size; i++) {
    const column = Array.from({ length: count }, (_, row) => rows[row * size + i]!);
    const mean = column.reduce((sum, x) => sum + x, 0) / count;
    const variance = column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
    expect(Math.abs(statistics.mean(i) - mean)).toBeLessThanOrEqual(1e-10);
    expect(Math.abs(statistics.variance(i) - variance)).toBeLessThanOrEqual(1e-9 * (1 + variance));
  }
}

describe("RunningStatistics", () => {
  test("equals two passes over all rows", () => {
    fc.assert(
      fc.property(rowsOf(3), (rows) => {
        fc.pre(rows.length > 0);
        expectEqualsTwoPasses(statisticsOf(3, rows), rows);
      }),
    );
  });

  test("merges to what one instance would have seen, whatever the split", () => {
    fc.assert(
      fc.property(rowsOf(2), rowsOf(2), rowsOf(2), (a, b, c) => {
        fc.pre(a.length + b.length + c.length > 0);
        const right = statisticsOf(2, b);
        right.merge(statisticsOf(2, c));
        const merged = statisticsOf(2, a);
        merged.merge(right);
        expectEqualsTwoPasses(merged, [...a, ...b, ...c]);
      }),
    );
  });

  test("keeps the variance of a small signal far from zero", () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => 1e6 + (i % 2 ? 1e-3 : -1e-3));
    expect(statisticsOf(1, rows).variance(0)).toBeCloseTo(1e-6, 9);
  });

  test("goes on from its state bit for bit", () => {
    fc.assert(
      fc.property(rowsOf(2), rowsOf(2), (before, after) => {
        const statistics = statisticsOf(2, before);
        const copy = RunningStatistics.fromState(JSON.parse(JSON.stringify(statistics.state())));
        statistics.add(after);
        copy.add(after);
        expect(copy.state()).toEqual(statistics.state());
      }),
    );
  });

  test("refuses rows and states of another size", () => {
    expect(() => statisticsOf(2, [1, 2, 3])).toThrow(RangeError);
    expect(() => new RunningStatistics(2).merge(new RunningStatistics(3))).toThrow(RangeError);
    expect(() => RunningStatistics.fromState({ count: 1, mean: [1], squares: [] })).toThrow(
      RangeError,
    );
  });
});

describe("normalise", () => {
  test("gives mean 0 and variance 1", () => {
    const rows = Float32Array.from({ length: 3000 }, (_, i) => 5 + 3 * Math.sin(i * i));
    const out = new Float32Array(rows.length);
    const statistics = new RunningStatistics(3);
    statistics.add(rows);
    normalise(statistics.freeze(), rows, out);
    const after = new RunningStatistics(3);
    after.add(out);
    for (let i = 0; i < 3; i++) {
      expect(after.mean(i)).toBeCloseTo(0, 5);
      expect(after.variance(i)).toBeCloseTo(1, 5);
    }
  });

  test("clips outliers and leaves a constant feature at 0", () => {
    const statistics = statisticsOf(2, [0, 7, 1, 7, 2, 7]);
    const rows = Float32Array.of(1e9, 7, -1e9, 7);
    normalise(statistics.freeze(), rows, rows);
    expect([...rows]).toEqual([10, 0, -10, 0]);
  });

  test("is the identity before the first row", () => {
    const rows = Float32Array.of(0.25, -3);
    normalise(new RunningStatistics(2).freeze(), rows, rows);
    expect([...rows]).toEqual([0.25, -3]);
  });
});
