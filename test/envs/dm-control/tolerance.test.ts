import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ToleranceShape, tolerance } from "../../../src/envs/dm-control/tolerance.ts";

const shapes: readonly ToleranceShape[] = [
  "gaussian",
  "hyperbolic",
  "long_tail",
  "reciprocal",
  "tanh_squared",
  "cosine",
  "linear",
  "quadratic",
];

describe("tolerance", () => {
  test("is 1 within its bounds and 0 outside of them without a margin", () => {
    const inside = tolerance({ bounds: [-1, 2] });
    expect([-1, 0, 2].map(inside)).toEqual([1, 1, 1]);
    expect([-1.001, 2.001].map(inside)).toEqual([0, 0]);
  });

  test.for(shapes)(
    "%s has its value at the margin, on both sides, and falls towards it",
    (shape) => {
      const bound = fc.double({ min: -10, max: 10, noNaN: true });
      const positive = fc.double({ min: 0.1, max: 10, noNaN: true });
      const unit = fc.double({ min: 0.01, max: 0.95, noNaN: true });
      fc.assert(
        fc.property(fc.tuple(bound, positive, positive, unit), (numbers) => {
          const [low, width, margin, valueAtMargin] = numbers;
          const high = low + width;
          const reward = tolerance({ bounds: [low, high], margin, shape, valueAtMargin });
          expect(reward(low - margin)).toBeCloseTo(valueAtMargin, 9);
          expect(reward(high + margin)).toBeCloseTo(valueAtMargin, 9);
          expect(reward(high + margin / 2)).toBeGreaterThan(valueAtMargin);
          expect(reward(high + margin / 2)).toBeLessThan(1);
          expect(reward(high + 3 * margin)).toBeLessThan(valueAtMargin);
          expect(reward(low - 1e6)).toBeGreaterThanOrEqual(0);
        }),
      );
    },
  );

  test("linear and quadratic reach 0", () => {
    expect(tolerance({ margin: 2, shape: "linear", valueAtMargin: 0 })(1)).toBeCloseTo(0.5, 12);
    expect(tolerance({ margin: 2, shape: "quadratic", valueAtMargin: 0 })(1)).toBeCloseTo(0.75, 12);
    expect(tolerance({ margin: 2, shape: "quadratic", valueAtMargin: 0 })(-5)).toBe(0);
  });

  test("refuses what makes no sense", () => {
    for (const options of [
      { bounds: [1, 0] as const },
      { margin: -1 },
      { valueAtMargin: 1 },
      { valueAtMargin: 0 },
      { shape: "linear" as const, valueAtMargin: -0.1 },
    ]) {
      expect(() => tolerance(options)).toThrow(RangeError);
    }
  });
});
