import { expect, test } from "vitest";
import { robustLoss, worstNearby } from "../../../src/algorithms/critics/robust-loss.ts";
import {
  add,
  matmul,
  mul,
  reshape,
  square,
  sum,
  type Tensor,
  tanh,
} from "../../../src/compile/ops.ts";
import { given, normals, runCompiled, runEagerly, withGradients } from "../../compile/compiled.ts";

const options = { weight: 1, radius: 0.1 };
const lossOf = (value: (x: Tensor) => Tensor, s: Tensor): Tensor =>
  robustLoss(value, s, worstNearby(value, s, options));
const runs = [
  ["compiled", runCompiled],
  ["in jax-js", runEagerly],
] as const;

test.each(runs)("of a linear value is the square of radius times |w|_1, %s", async (_, run) => {
  const { loss } = await run(
    ({ w, s }) => ({
      loss: lossOf((x) => reshape(matmul(x, w!), [2]), s!),
    }),
    { w: given([2, -3, 0.5], [3, 1]), s: normals("s", [2, 3]) },
  );
  expect(loss![0]).toBeCloseTo(0.55 ** 2, 5);
});

test.each(runs)(
  "has a gradient that takes the change of observation as given, %s",
  async (_, run) => {
    // V = tanh(w . s) + b (w . s)^2
    const value = (w: Tensor, b: Tensor) => (x: Tensor) => {
      const u = reshape(matmul(x, w), [2]);
      return add(tanh(u), mul(b, square(u)));
    };
    const at = { w: given([0.4, -0.7, 0.2], [3, 1]), b: given([0.3], []), s: normals("s", [2, 3]) };
    const results = await run((all) => {
      const worst = worstNearby(value(all["w"]!, all["b"]!), all["s"]!, options);
      return withGradients(({ w, b }) => robustLoss(value(w!, b!), all["s"]!, worst))({
        w: all["w"]!,
        b: all["b"]!,
      });
    }, at);
    const rows = [at.s.values.subarray(0, 3), at.s.values.subarray(3, 6)];
    const plain = (w: readonly number[], x: ArrayLike<number>) => {
      const u = w.reduce((total, wi, i) => total + wi * x[i]!, 0);
      return Math.tanh(u) + 0.3 * u * u;
    };
    const w0 = [...at.w.values];
    const signs = rows.map((row) => {
      const u = w0.reduce((total, wi, i) => total + wi * row[i]!, 0);
      const slope = 1 - Math.tanh(u) ** 2 + 0.6 * u;
      return w0.map((wi) => Math.sign(slope * wi));
    });
    const loss = (w: readonly number[]) =>
      rows.reduce((total, row, k) => {
        const moved = Array.from(row, (x, i) => x + 0.1 * signs[k]![i]!);
        return total + (plain(w, moved) - plain(w, row)) ** 2 / 2;
      }, 0);
    expect(results["value"]![0]).toBeCloseTo(loss(w0), 5);
    for (const [i] of w0.entries()) {
      const shifted = (by: number) => loss(w0.map((x, j) => (i === j ? x + by : x)));
      const slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
      expect(results["d/d w"]![i]).toBeCloseTo(slope, 4);
    }
  },
);

test("of a value that does not look at the observation is 0", async () => {
  const { loss } = await runCompiled(
    ({ c, s }) => ({
      loss: lossOf((x) => add(mul(sum(x, -1), 0), c!), s!),
    }),
    { c: given([3, 4]), s: normals("s", [2, 3]) },
  );
  expect(loss![0]).toBe(0);
});
