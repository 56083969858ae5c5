import { describe, expect, test } from "vitest";
import { orthogonal, uniformFanIn } from "../../src/algorithms/initialisers.ts";
import { initialParameters } from "../../src/algorithms/networks.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { RandomStream } from "../../src/math/random.ts";
import { summarise } from "../../src/math/summary.ts";

function fill(size: number, init: (random: RandomStream, out: Float32Array) => void) {
  const out = new Float32Array(size);
  init(RandomStream.derive(5), out);
  return out;
}

describe("uniformFanIn", () => {
  test("fills the interval +- 1 / sqrt(fanIn) evenly", () => {
    const { mean, std, min, max } = summarise(fill(100 * 256, uniformFanIn(100)));
    expect(min).toBeGreaterThanOrEqual(-0.1);
    expect(min).toBeLessThan(-0.0999);
    expect(max).toBeLessThanOrEqual(0.1);
    expect(max).toBeGreaterThan(0.0999);
    // Five standard errors.
    expect(Math.abs(mean)).toBeLessThan((5 * 0.0577) / 160);
    expect(std).toBeCloseTo(0.1 / Math.sqrt(3), 3);
  });
});

describe("orthogonal", () => {
  test.each([
    [8, 5],
    [5, 8],
    [6, 6],
  ])("makes the shorter side of %i x %i orthonormal times the gain", (rows, columns) => {
    const w = fill(rows * columns, orthogonal(rows, columns, 3));
    const tall = columns <= rows;
    const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
    const entry = (k: number, i: number) => w[tall ? i * columns + k : k * columns + i]!;
    for (let a = 0; a < count; a++) {
      for (let b = 0; b < count; b++) {
        let product = 0;
        for (let i = 0; i < length; i++) product += entry(a, i) * entry(b, i);
        expect(product).toBeCloseTo(a === b ? 9 : 0, 5);
      }
    }
  });
});

describe("initialParameters", () => {
  const sizes = { observationSize: 3, actionSize: 2, batchSize: 4 };
  const small = sac({ ...sacDefaults, hidden: [8, 8] }, sizes);

  test("starts targets as copies and twins apart", () => {
    const { critic, targetCritic, temperature } = initialParameters(small, 1);
    expect(targetCritic).toEqual(critic);
    expect(targetCritic!["q1.hidden0.weight"]).not.toBe(critic!["q1.hidden0.weight"]);
    expect(critic!["q1.hidden0.weight"]).not.toEqual(critic!["q2.hidden0.weight"]);
    expect(temperature!["logTemperature"]).toEqual(Float32Array.of(0));
  });

  test("depends on the seed, and on no other layer", () => {
    const { actor } = initialParameters(small, 1);
    expect(initialParameters(small, 1)["actor"]).toEqual(actor);
    expect(initialParameters(small, 2)["actor"]).not.toEqual(actor);
    const deeper = sac({ ...sacDefaults, hidden: [8, 8, 8] }, sizes);
    const other = initialParameters(deeper, 1)["actor"];
    expect(other!["hidden1.weight"]).toEqual(actor!["hidden1.weight"]);
  });
});
