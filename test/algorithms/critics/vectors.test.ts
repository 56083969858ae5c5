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
});
