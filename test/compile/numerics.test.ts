import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  abs,
  add,
  deposit,
  logSoftmax,
  logSumExp,
  matmul,
  mul,
  relu,
  sigmoid,
  softmax,
  softplus,
  standardize,
  type Tensor,
  tanh,
} from "../../src/compile/ops.ts";
import { RandomStream } from "../../src/math/random.ts";
import { given, normals, runCompiled, withGradients } from "./compiled.ts";

const extremes = [-100, -89, -20, -1, 0, 1, 20, 89, 100];
const functions: Readonly<
  Record<string, { readonly fn: (x: Tensor) => Tensor; readonly value: (x: number) => number }>
> = {
  tanh: { fn: tanh, value: Math.tanh },
  sigmoid: { fn: sigmoid, value: (x) => 1 / (1 + Math.exp(-x)) },
  softplus: { fn: softplus, value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) },
  relu: { fn: relu, value: (x) => Math.max(x, 0) },
  abs: { fn: abs, value: Math.abs },
};
const slopes: Readonly<Record<string, (x: number) => number>> = {
  tanh: (x) => 1 - Math.tanh(x) ** 2,
  sigmoid: (x) => 1 / (2 + Math.exp(x) + Math.exp(-x)),
  softplus: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Number(x > 0),
  abs: Math.sign,
};

describe.each(Object.entries(functions))("%s between -100 and 100", (name, { fn, value }) => {
  test("has the exact value and slope", async () => {
    const results = await runCompiled(
      // Weighted by one: withGradients weighs by position, so each element is its own function.
      withGradients(({ x }) => fn(x!)),
      { x: given(extremes) },
    );
    for (const [i, x] of extremes.entries()) {
      const weight = 1 + (i % 7) / 7;
      expect(results["value"]![i]).toBeCloseTo(value(x), 5);
      expect(results["d/d x"]![i]! / weight).toBeCloseTo(slopes[name]!(x), 5);
    }
  });
});

test.each([
  ["softmax", softmax],
  ["logSoftmax", logSoftmax],
  ["logSumExp", (x: Tensor) => logSumExp(x, -1)],
] as const)("%s is finite for logits far apart, and so is its gradient", async (_name, fn) => {
  const results = await runCompiled(
    withGradients(({ x }) => fn(x!)),
    {
      x: given([-100, 0, 100, 100, 100, 100], [2, 3]),
    },
  );
  for (const values of Object.values(results)) {
    expect(values.every((value) => Number.isFinite(value))).toBe(true);
  }
});

describe("standardize", () => {
  test("gives rows of mean 0 and variance 1, whatever their size and offset", async () => {
    const rows = [1e-2, 1, 100, 1e4].map((scale) =>
      normals("row", [16], scale).values.map((x) => x + 30 * scale),
    );
    const x = given(
      rows.flatMap((row) => [...row]),
      [4, 16],
    );
    const { value, "d/d x": slope } = await runCompiled(
      withGradients(({ x }) => standardize(x!)),
      { x },
    );
    for (const i of rows.keys()) {
      const row = value!.subarray(16 * i, 16 * i + 16);
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 2);
      expect(row.reduce((a, b) => a + b * b, 0) / 16).toBeCloseTo(1, 1);
      // A shift of the row, or a stretch, changes nothing: the slope has no part along either.
      const g = slope!.subarray(16 * i, 16 * i + 16);
      const size = Math.hypot(...g);
      expect(Math.abs(g.reduce((a, b) => a + b, 0))).toBeLessThan(1e-3 * size);
      expect(Math.abs(g.reduce((a, b, k) => a + b * row[k]!, 0))).toBeLessThan(2e-2 * size);
    }
  });

  test("makes zeros of a row of equal numbers, with a slope that is finite", async () => {
    const results = await runCompiled(
      withGradients(({ x }) => standardize(x!)),
      { x: given([100, 100, 100, 100], [1, 4]) },
    );
    expect([...results["value"]!]).toEqual([0, 0, 0, 0]);
    expect(results["d/d x"]!.every(Number.isFinite)).toBe(true);
  });
});

test("a deposit keeps all mass, at and between the cells, and at both ends", async () => {
  const random = RandomStream.derive(1, "deposit");
  const mass = Float32Array.from({ length: 64 * 33 }, () => random.uniform());
  const at = mass.map(() => Math.min(Math.max(random.uniformBetween(-4, 36), 0), 32));
  const { out } = await runCompiled(({ mass, at }) => ({ out: deposit(mass!, at!) }), {
    mass: { shape: [64, 33], values: mass },
    at: { shape: [64, 33], values: at },
  });
  const expected = new Float64Array(64 * 33);
  for (const [i, m] of mass.entries()) {
    const [row, floor] = [Math.floor(i / 33), Math.floor(at[i]!)];
    const share = at[i]! - floor;
    expected[row * 33 + floor]! += m * (1 - share);
    if (share > 0) expected[row * 33 + floor + 1]! += m * share;
  }
  for (const [i, value] of expected.entries()) expect(out![i]).toBeCloseTo(value, 5);
});

describe("gradients", () => {
  const network = ({ x, w, v }: Readonly<Record<string, Tensor>>): Tensor => {
    const hidden = tanh(matmul(x!, w!));
    return logSoftmax(add(matmul(hidden, v!), mul(softplus(matmul(x!, v!)), 0.3)));
  };
  const inputs = {
    x: normals("x", [3, 4]),
    w: normals("w", [4, 4]),
    v: normals("v", [4, 2]),
  };

  test("follow finite differences of the compiled value", async () => {
    const results = await runCompiled(withGradients(network), inputs);
    const weighted = async (name: string, i: number, step: number): Promise<number> => {
      const moved = structuredClone(inputs) as typeof inputs;
      const values = moved[name as keyof typeof inputs].values;
      values[i] = values[i]! + step;
      const { value } = await runCompiled((at) => ({ value: network(at) }), moved);
      return value!.reduce((total, y, k) => total + y * (1 + (k % 7) / 7), 0);
    };
    const step = 1e-2;
    for (const [name, i] of [
      ["x", 5],
      ["w", 3],
      ["w", 14],
      ["v", 0],
      ["v", 7],
    ] as const) {
      const slope =
        ((await weighted(name, i, step)) - (await weighted(name, i, -step))) / (2 * step);
      expect(results[`d/d ${name}`]![i]).toBeCloseTo(slope, 2);
    }
  });
});

test("broadcasting follows NumPy's rule for any pair of shapes", async () => {
  const axis = fc.constantFrom(1, 2, 3);
  const pairs = fc.array(fc.tuple(axis, fc.constantFrom("both", "left", "right")), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(pairs, async (axes) => {
      const left = axes.map(([n, who]) => (who === "right" ? 1 : n));
      const right = axes.map(([n, who]) => (who === "left" ? 1 : n));
      const [a, b] = [normals("a", left), normals("b", right)];
      const { value } = await runCompiled(({ a, b }) => ({ value: mul(a!, b!) }), { a, b });
      const shape = axes.map(([n]) => n);
      expect([...value!]).toEqual(
        Array.from({ length: value!.length }, (_, i) =>
          Math.fround(a.values[offset(i, shape, left)]! * b.values[offset(i, shape, right)]!),
        ),
      );
    }),
    { numRuns: 30 },
  );
});

/** Where element `i` of `shape` lies in a tensor of shape `own`, whose axes of length 1 repeat. */
function offset(i: number, shape: readonly number[], own: readonly number[]): number {
  let rest = i;
  let stride = 1;
  let at = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const place = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
    if (own[axis] !== 1) at += place * stride;
    stride *= own[axis]!;
  }
  return at;
}
