import { describe, expect, test } from "vitest";
import type { CriticHead } from "../../../src/algorithms/critics/critic-head.ts";
import { logitRules } from "../../../src/algorithms/critics/logit-rules.ts";
import { type CriticName, criticHead } from "../../../src/algorithms/critics/registry.ts";
import { sacDefaults } from "../../../src/algorithms/sac.ts";
import { given, normals, runCompiled, runEagerly, withGradients } from "../../compile/compiled.ts";
import { relativeError } from "../closeness.ts";

const { stablemax } = logitRules;
const support = { atoms: 5, min: -2, max: 2, locations: "atoms" } as const;
const head = (name: CriticName): CriticHead =>
  criticHead(name, { ...sacDefaults, support, probabilities: "stablemax" });
const LOGITS = [3, -1, 0, -4, 1];

/** s(x) = x + 1 from 0 on, 1 / (1 - x) below. */
const weight = (x: number): number => (x >= 0 ? x + 1 : 1 / (1 - x));

describe.each([
  ["compiled", runCompiled],
  ["in jax-js", runEagerly],
] as const)("stablemax, %s", (_, run) => {
  test("makes linear weights above 0 and hyperbolic ones below into probabilities", async () => {
    const { p, logP } = await run(
      ({ x }) => ({ p: stablemax.probabilities(x!), logP: stablemax.logProbabilities(x!) }),
      { x: given(LOGITS, [1, 5]) },
    );
    // 4, 1/2, 1, 1/5 and 2 of 7.7.
    const expected = LOGITS.map((x) => weight(x) / 7.7);
    for (const [i, value] of expected.entries()) {
      expect(p![i]).toBeCloseTo(value, 6);
      expect(logP![i]).toBeCloseTo(Math.log(value), 4);
    }
  });

  test("has logarithms that are finite, and slopes that are not 0, wherever logits are", async () => {
    const x = given([1e6, -1e6, 200, -200, 0], [1, 5]);
    const target = head("two-hot");
    const results = await run(
      withGradients(({ logits, y }) => target.toward(y!).compare(logits!).loss),
      { logits: x, y: given([1.5]) },
    );
    expect(Number.isFinite(results["value"]![0])).toBe(true);
    // The atoms that should have more are pushed up, those of the rest down.
    const slope = results["d/d logits"]!;
    expect(slope[3]).toBeLessThan(0);
    expect(slope[4]).toBeLessThan(0);
    expect(slope[0]).toBeGreaterThan(0);
  });
});

describe.each(["hl-gauss", "two-hot", "c51"] as const)("%s with stablemax", (name) => {
  const logits = normals("logits", [3, 5], 2);

  test("descends cross-entropy: (p^ - p) / (1 + |l|)", async () => {
    const y = given([0.3, -1.2, 5]);
    const of = head(name);
    const plain = criticHead(name, { ...sacDefaults, support });
    const { slope } = await runCompiled(
      ({ logits: l, y: value }) => {
        const result = withGradients((at) => of.toward(value!).compare(at["logits"]!).loss)({
          logits: l!,
        });
        return { slope: result["d/d logits"]! };
      },
      { logits, y },
    );
    // Softmax's slope at equal logits tells p.
    const equal = { shape: [3, 5], values: new Float32Array(15) };
    const { bySoftmax } = await runCompiled(
      ({ logits: l, y: value }) => {
        const result = withGradients((at) => plain.toward(value!).compare(at["logits"]!).loss)({
          logits: l!,
        });
        return { bySoftmax: result["d/d logits"]! };
      },
      { logits: equal, y },
    );
    for (let row = 0; row < 3; row++) {
      const own = [...logits.values.subarray(5 * row, 5 * row + 5)];
      const total = own.reduce((sum, l) => sum + weight(l), 0);
      for (const [i, l] of own.entries()) {
        const scale = 1 + row / 7;
        const p = 0.2 - bySoftmax![5 * row + i]! / scale;
        const expected = (scale * (weight(l) / total - p)) / (1 + Math.abs(l));
        expect(slope![5 * row + i]).toBeCloseTo(expected, 5);
      }
    }
  });

  test("has values whose slope is that of their probabilities", async () => {
    const of = head(name);
    const results = await runCompiled(
      withGradients(({ logits: l }) => of.value(l!)),
      { logits },
    );
    const z = [-2, -1, 0, 1, 2];
    const valueAt = (row: readonly number[]): number => {
      const total = row.reduce((sum, l) => sum + weight(l), 0);
      return row.reduce((sum, l, i) => sum + (weight(l) / total) * z[i]!, 0);
    };
    const rows = [0, 1, 2].map((k) => [...logits.values.subarray(5 * k, 5 * k + 5)]);
    expect(relativeError(results["value"]!, rows.map(valueAt))).toBeLessThan(1e-5);
    const slopes = rows.flatMap((row, k) =>
      row.map((_, i) => {
        const moved = (by: number) => valueAt(row.map((l, j) => (i === j ? l + by : l)));
        return ((1 + k / 7) * (moved(1e-5) - moved(-1e-5))) / 2e-5;
      }),
    );
    expect(relativeError(results["d/d logits"]!, slopes)).toBeLessThan(1e-4);
  });
});
