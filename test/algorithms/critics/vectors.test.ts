import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { project } from "../../../src/algorithms/critics/c51.ts";
import { gaussianBins } from "../../../src/algorithms/critics/hl-gauss.ts";
import { makeSupport, type SupportOptions } from "../../../src/algorithms/critics/support.ts";
import { twoNeighbours } from "../../../src/algorithms/critics/two-hot.ts";
import { fromArray } from "../../../src/compile/ops.ts";
import { given, runCompiled, runEagerly } from "../../compile/compiled.ts";

interface Vectors {
  readonly hlGauss: readonly {
    readonly support: SupportOptions;
    readonly sigmaRatio: number;
    readonly value: number;
    /** Index of the first of `probabilities`. */
    readonly first: number;
    readonly probabilities: readonly number[];
    readonly mean: number;
    readonly entropy?: number;
  }[];
  readonly edgeBias: {
    readonly support: Omit<SupportOptions, "locations">;
    readonly sigmaRatio: number;
    readonly bins: readonly (readonly [value: number, mean: number])[];
    readonly atoms: readonly (readonly [value: number, mean: number])[];
  };
  readonly twoHot: {
    readonly support: SupportOptions;
    readonly value: number;
    readonly probabilities: readonly number[];
  };
  readonly c51: {
    readonly support: SupportOptions;
    readonly next: readonly number[];
    readonly cases: readonly {
      readonly return: number;
      readonly discount: number;
      readonly entropyCost: number;
      readonly probabilities: readonly number[];
      readonly mean: number;
    }[];
  };
}

const file = new URL("../../fixtures/algorithms/categorical.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;

const meanOf = (p: ArrayLike<number>, z: Float32Array): number =>
  z.reduce((sum, location, i) => sum + p[i]! * location, 0);
const entropyOf = (p: Float32Array): number =>
  -p.reduce((sum, x) => sum + (x > 0 ? x * Math.log(x) : 0), 0);

function expectEach(actual: ArrayLike<number>, expected: readonly number[], tolerance: number) {
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(actual[i]! - value), `${i}: ${actual[i]} for ${value}`).toBeLessThan(tolerance);
  }
}

// The published digits are rounded at the sixth, so a number may be off by half of one and a float32 erf.
const TOLERANCE = 1.2e-6;

describe.each([
  ["compiled", runCompiled],
  ["in jax-js", runEagerly],
] as const)("published target distributions, %s", (_name, run) => {
  test.each(vectors.hlGauss)("HL-Gauss on $support.atoms bins", async (vector) => {
    const support = makeSupport(vector.support);
    const { p } = await run(({ y }) => ({ p: gaussianBins(support, vector.sigmaRatio, y!) }), {
      y: given([vector.value]),
    });
    expectEach(p!.subarray(vector.first), vector.probabilities, TOLERANCE);
    expect(Math.abs(meanOf(p!, support.locations) - vector.mean)).toBeLessThan(3e-6);
    if (vector.entropy !== undefined)
      expect(entropyOf(p as Float32Array)).toBeCloseTo(vector.entropy, 5);
  });

  test.each(["bins", "atoms"] as const)(
    "HL-Gauss near the end of a support of %s",
    async (locations) => {
      const { edgeBias } = vectors;
      const support = makeSupport({ ...edgeBias.support, locations });
      const table = edgeBias[locations];
      const { p } = await run(({ y }) => ({ p: gaussianBins(support, edgeBias.sigmaRatio, y!) }), {
        y: given(table.map(([value]) => value)),
      });
      const m = support.atoms;
      const means = table.map((_, i) => meanOf(p!.subarray(i * m, (i + 1) * m), support.locations));
      expectEach(
        means,
        table.map(([, mean]) => mean),
        1.5e-5,
      );
    },
  );

  test("two-hot", async () => {
    const { twoHot } = vectors;
    const support = makeSupport(twoHot.support);
    const { p } = await run(({ y }) => ({ p: twoNeighbours(support, y!) }), {
      y: given([twoHot.value, 2, -2, 7]),
    });
    expectEach(p!, twoHot.probabilities, TOLERANCE);
    expect([...p!.subarray(9, 18)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect([...p!.subarray(18, 27)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...p!.subarray(27, 36)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test.each(vectors.c51.cases)(
    "C51, return $return, discount $discount, entropy cost $entropyCost",
    async (vector) => {
      const support = makeSupport(vectors.c51.support);
      const { p } = await run(
        ({ returns, discounts, entropyCost }) => ({
          p: project(
            support,
            { returns: returns!, discounts: discounts!, entropyCost: entropyCost! },
            fromArray(Float32Array.from(vectors.c51.next), [1, 5]),
          ),
        }),
        {
          returns: given([vector.return]),
          discounts: given([vector.discount]),
          entropyCost: given([vector.entropyCost]),
        },
      );
      expectEach(p!, vector.probabilities, TOLERANCE);
      expect(meanOf(p!, support.locations)).toBeCloseTo(vector.mean, 5);
    },
  );

  // Of a width in bins: how far decoded means are off inside the support, on average, and the entropy of targets.
  test.each([
    { sigmaRatio: 0.25, bias: 0.022, entropy: 0.441 },
    { sigmaRatio: 0.5, bias: 5e-4, entropy: 0.869 },
    { sigmaRatio: 0.75, bias: 1e-6, entropy: 1.2003 },
    { sigmaRatio: 1, bias: 0, entropy: 1.459 },
    { sigmaRatio: 2, bias: 0, entropy: 2.122 },
  ])(
    "HL-Gauss of $sigmaRatio bins rounds by $bias, and its loss would stop at $entropy",
    async ({ sigmaRatio, bias, entropy }) => {
      const support = makeSupport({ atoms: 51, min: -10, max: 10, locations: "bins" });
      const values = Array.from({ length: 101 }, (_, i) => -5 + 0.1 * i);
      const { p } = await run(({ y }) => ({ p: gaussianBins(support, sigmaRatio, y!) }), {
        y: given(values),
      });
      const rows = values.map((_, i) => p!.slice(51 * i, 51 * i + 51) as Float32Array);
      const average = (numbers: readonly number[]) =>
        numbers.reduce((total, x) => total + x, 0) / numbers.length;
      const errors = rows.map((row, i) => Math.abs(meanOf(row, support.locations) - values[i]!));
      // float32 alone makes some 1e-6 of values up to 5.
      expect(Math.abs(average(errors) - bias)).toBeLessThan(0.15 * bias + 2e-6);
      expect(Math.abs(average(rows.map(entropyOf)) - entropy)).toBeLessThan(0.015);
    },
  );

  test("two-hot's loss would stop at half a nat on average, and at most at log 2", async () => {
    const support = makeSupport(vectors.twoHot.support);
    const values = Array.from({ length: 201 }, (_, i) => -1 + 0.01 * i);
    const { p } = await run(({ y }) => ({ p: twoNeighbours(support, y!) }), { y: given(values) });
    const entropies = values.map((_, i) => entropyOf(p!.slice(9 * i, 9 * i + 9) as Float32Array));
    expect(Math.max(...entropies)).toBeCloseTo(Math.LN2, 5);
    expect(Math.min(...entropies)).toBeCloseTo(0, 5);
    expect(entropies.reduce((total, x) => total + x, 0) / values.length).toBeCloseTo(0.5, 2);
  });
});
