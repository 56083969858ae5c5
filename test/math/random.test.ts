import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RandomStream } from "../../src/math/random.ts";
import { summarise } from "../../src/math/summary.ts";

const paths = fc.array(fc.oneof(fc.string(), fc.nat()), { maxLength: 4 });

function draw<T>(count: number, next: () => T): T[] {
  return Array.from({ length: count }, next);
}

describe("RandomStream", () => {
  // From test/fixtures/math/random_vectors.py, an independent implementation.
  test("is xoroshiro128+ seeded by the SHA-256 of its path", () => {
    const stream = RandomStream.derive(7, "actor", 0, "env", 2);
    expect(draw(4, () => stream.uniform())).toEqual([
      0.5302268329040297, 0.10880827447470842, 0.6913761225776268, 0.2860875958260818,
    ]);
  });

  test("draws the normals of Box and Muller's formula, both of each pair", () => {
    const stream = RandomStream.derive(7, "actor", 0, "noise");
    const expected = [
      0.38110797155526877, -0.7043690378216686, 0.5029799227221757, -0.9930783944947168,
    ];
    for (const value of expected) expect(stream.normal()).toBeCloseTo(value, 14);
  });

  // Tolerances are five standard errors for the number of draws.
  test("has the mean and variance of the uniform distribution", () => {
    const stream = RandomStream.derive(1, "uniform");
    const { mean, std, min, max } = summarise(draw(100_000, () => stream.uniform()));
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / 100_000));
    expect(Math.abs(std ** 2 - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / 100_000));
    expect(min).toBeGreaterThanOrEqual(0);
    expect(max).toBeLessThan(1);
  });

  test("has the mean, variance and kurtosis of the normal distribution", () => {
    const values = new Float32Array(100_000);
    RandomStream.derive(1, "normal").fillNormal(values);
    const { mean, std } = summarise(values);
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(100_000));
    expect(Math.abs(std ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / 100_000));
    const fourth = summarise(values.map((x) => x ** 4)).mean;
    expect(Math.abs(fourth - 3)).toBeLessThan(5 * Math.sqrt(96 / 100_000));
  });

  test("draws every integer below the bound equally often", () => {
    const stream = RandomStream.derive(1, "integer");
    const counts = new Array<number>(6).fill(0);
    for (const value of draw(60_000, () => stream.integer(6))) counts[value] = counts[value]! + 1;
    // 99.99 % quantile of chi-squared with 5 degrees of freedom.
    const chiSquared = counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
    expect(chiSquared).toBeLessThan(25.7);
  });

  test("goes on from its state as if never interrupted, between the normals of a pair too", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.constantFrom("uniform", "normal", "integer")),
        (seed, ops) => {
          const stream = RandomStream.derive(seed, "s");
          for (const op of ops) stream[op](9);
          const copy = RandomStream.fromState(JSON.parse(JSON.stringify(stream.state())));
          const next = (s: RandomStream) => [s.normal(), s.uniform(), s.normal(), s.integer(1000)];
          expect(next(copy)).toEqual(next(stream));
        },
      ),
    );
  });

  test("depends on root and path alone", () => {
    fc.assert(
      fc.property(fc.nat(), paths, paths, (root, a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        const first = RandomStream.derive(root, ...a).uniform();
        expect(RandomStream.derive(root, ...a).uniform()).toBe(first);
        expect(RandomStream.derive(root, ...b).uniform()).not.toBe(first);
        expect(RandomStream.derive(root + 1, ...a).uniform()).not.toBe(first);
      }),
    );
  });

  test("is uncorrelated with the stream of a neighbouring path", () => {
    const a = RandomStream.derive(3, "actor", 0);
    const b = RandomStream.derive(3, "actor", 1);
    const products = draw(100_000, () => a.normal() * b.normal());
    expect(Math.abs(summarise(products).mean)).toBeLessThan(5 / Math.sqrt(100_000));
  });

  test("scales to an interval", () => {
    const stream = RandomStream.derive(4);
    for (const value of draw(1000, () => stream.uniformBetween(-3, 2))) {
      expect(value).toBeGreaterThanOrEqual(-3);
      expect(value).toBeLessThan(2);
    }
  });
});
