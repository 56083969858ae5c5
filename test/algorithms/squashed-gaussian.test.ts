import { defaultDevice, init } from "@jax-js/jax";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  gaussianPolicy,
  logNormal,
  logSquashDerivative,
  sampleSquashed,
} from "../../src/algorithms/squashed-gaussian.ts";
import { fromArray, read, sum, type Tensor, valueAndGrad } from "../../src/compile/ops.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const row = (...values: number[]) => fromArray(Float32Array.from(values), [1, values.length]);
const total = async (tensor: Tensor) => (await read(sum(tensor)))[0]!;

/** log(1 - tanh(u)^2) in float64: log(sech^2) with the largest exponential taken out. */
function exactLogSquashDerivative(u: number): number {
  const size = Math.abs(u);
  return 2 * (Math.LN2 - size - Math.log1p(Math.exp(-2 * size)));
}

describe("squashed Gaussian", () => {
  // u = (0.5, -1.2), mean (0.1, -0.4), log std (-0.5, 0.2): the recorded numbers, to float32.
  const mean = [0.1, -0.4];
  const logStd = [-0.5, 0.2];
  const u = [0.5, -1.2];
  const scores = u.map((x, i) => (x - mean[i]!) / Math.exp(logStd[i]!));

  test("has the density of the published example", async () => {
    expect(await total(logNormal(row(...scores), row(...logStd)))).toBeCloseTo(-1.969842, 6);
    expect(await total(logSquashDerivative(row(...u)))).toBeCloseTo(-1.427607, 6);
    const policy = { mean: row(...mean), logStd: row(...logStd) };
    const { actions, logProbabilities } = sampleSquashed(policy, row(...scores));
    expect(logProbabilities.shape).toEqual([1]);
    expect(await total(logProbabilities)).toBeCloseTo(-0.5422351, 6);
    const sampled = await read(actions);
    for (const [i, x] of u.entries()) expect(sampled[i]).toBeCloseTo(Math.tanh(x), 6);
  });

  test("keeps the density of the squashing exact far out, and its gradient", async () => {
    const points = [-100, -20, -12, -8, -5, -1, 0, 0.3, 5, 8, 10, 12, 20, 100];
    const { aux, gradient } = valueAndGrad(
      (at: Tensor) => {
        const density = logSquashDerivative(at);
        return { value: sum(density), aux: density };
      },
      row(...points),
    );
    const values = await read(aux);
    const slopes = await read(gradient);
    for (const [i, x] of points.entries()) {
      const exact = exactLogSquashDerivative(x);
      expect(Math.abs(values[i]! - exact)).toBeLessThan(2e-6 * (1 + Math.abs(exact)));
      expect(slopes[i]).toBeCloseTo(-2 * Math.tanh(x), 5);
    }
  });

  test("integrates to one over the actions", async () => {
    const n = 4001;
    const width = 12 / (n - 1);
    const score = Float32Array.from({ length: n }, (_, i) => -6 + i * width);
    const policy = { mean: row(0.3), logStd: row(-0.2) };
    const { actions, logProbabilities } = sampleSquashed(policy, fromArray(score, [n, 1]));
    const a = await read(actions);
    const density = await read(logProbabilities);
    let integral = 0;
    for (let i = 1; i < n; i++) {
      const middle = (Math.exp(density[i]!) + Math.exp(density[i - 1]!)) / 2;
      integral += middle * (a[i]! - a[i - 1]!);
    }
    expect(integral).toBeCloseTo(1, 4);
  });
});

describe("gaussianPolicy", () => {
  const base = { hidden: [], activation: "relu", initialisation: "uniform" } as const;
  // No hidden layer and no weight: the bias is the output, (mean, raw log std).
  const policyOf = (raw: number, logStdBound: "squash" | "clamp") =>
    gaussianPolicy(1, 1, { ...base, logStdMin: -5, logStdMax: 2, logStdBound }).distribution(
      { "output.weight": fromArray(new Float32Array(2), [1, 2]), "output.bias": row(0.25, raw) },
      row(1),
    );

  test.each(["squash", "clamp"] as const)("keeps log std within its bounds: %s", async (bound) => {
    await fc.assert(
      fc.asyncProperty(fc.float({ min: -100, max: 100, noNaN: true }), async (raw) => {
        const { mean, logStd } = policyOf(raw, bound);
        const [value] = await read(logStd);
        expect(await total(mean)).toBe(0.25);
        const expected =
          bound === "clamp" ? Math.min(Math.max(raw, -5), 2) : -5 + 3.5 * (1 + Math.tanh(raw));
        expect(value).toBeCloseTo(expected, 4);
      }),
      { numRuns: 30 },
    );
  });
});
