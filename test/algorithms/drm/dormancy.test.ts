import { defaultDevice, init } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import { dormancy, dormantRatio } from "../../../src/algorithms/drm/dormancy.ts";
import { sacDefaults } from "../../../src/algorithms/sac.ts";
import { gaussianPolicy } from "../../../src/algorithms/squashed-gaussian.ts";
import { fromArray, read, type Tensor } from "../../../src/compile/ops.ts";
import { RandomStream } from "../../../src/math/random.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const THRESHOLD = 0.025;

/** Two samples whose mean absolute values are `sizes`, with signs that would cancel. */
function layer(sizes: readonly number[]): Tensor {
  const rows = [...sizes.map((x) => 1.5 * x), ...sizes.map((x) => -0.5 * x)];
  return fromArray(Float32Array.from(rows), [2, sizes.length]);
}

const countOf = async (units: Tensor) => (await read(dormancy(units, THRESHOLD).dormant))[0];

describe("dormancy", () => {
  test("counts units far below the mean of their layer, and the ratio is over all layers", async () => {
    const first = layer([1, 0.5, 0, 0.01, 0.02]);
    const second = layer([2, 2, 0.04, 0]);
    expect(await countOf(first)).toBe(1);
    expect(await countOf(second)).toBe(1);
    const ratio = dormantRatio([first, second].map((units) => dormancy(units, THRESHOLD)));
    expect((await read(ratio))[0]).toBeCloseTo(2 / 9, 6);
  });

  // Powers of two, so that the products are exact.
  test("counts a unit that says exactly its share", async () => {
    const quarter = dormancy(layer([1.5, 1.5, 0.25, 0.75]), 0.25);
    expect((await read(quarter.dormant))[0]).toBe(1);
    const less = dormancy(layer([1.5, 1.5, 0.2500001, 0.7499999]), 0.25);
    expect((await read(less.dormant))[0]).toBe(0);
  });

  test("counts all of a layer that says nothing, and none of one that says the same", async () => {
    expect(await countOf(layer([0, 0, 0]))).toBe(3);
    expect(await countOf(layer([0.3, 0.3, 0.3]))).toBe(0);
  });
});

describe("a policy's units", () => {
  const options = { ...sacDefaults, hidden: [3, 2], activation: "relu" as const };
  const policy = gaussianPolicy(2, 1, options);
  const observations = fromArray(Float32Array.of(1, 2, -1, 0.5), [2, 2]);

  function parameters(firstBias: readonly number[]): Record<string, Tensor> {
    const values: Record<string, readonly number[]> = { "hidden0.bias": firstBias };
    return Object.fromEntries(
      policy.parameters.map(({ name, shape }) => {
        const size = shape.reduce((count, length) => count * length, 1);
        const data = Float32Array.from({ length: size }, (_, i) => values[name]?.[i] ?? 0.1);
        return [name, fromArray(data, shape)];
      }),
    );
  }

  // Before the activation this unit says 5 in size, more than any other.
  test("are what is left of them after the activation", async () => {
    const { hidden, heads } = policy.units(parameters([1, 1, -5]), observations);
    expect(hidden.map(({ shape }) => shape)).toEqual([
      [2, 3],
      [2, 2],
    ]);
    expect(heads.map(({ shape }) => shape)).toEqual([
      [2, 1],
      [2, 1],
    ]);
    const [first] = hidden;
    if (!first) throw new Error("no hidden layer");
    expect(await countOf(first)).toBe(1);
    const said = await read(first);
    for (const x of said) expect(x).toBeGreaterThanOrEqual(0);
  });

  test.each([
    ["simba", 2 /* one inner layer per block */],
    ["bro", 3 /* the embedding's and one per block */],
  ] as const)("are found in the blocks of %s", (architecture, count) => {
    const net = gaussianPolicy(2, 1, { ...options, hidden: [4, 4], architecture });
    const values = Object.fromEntries(
      net.parameters.map(({ name, shape, init }) => {
        const data = new Float32Array(shape.reduce((size, length) => size * length, 1));
        init(RandomStream.derive(1, name), data);
        return [name, fromArray(data, shape)];
      }),
    );
    expect(net.units(values, observations).hidden).toHaveLength(count);
  });
});

describe("the dormant ratio of a fresh policy", () => {
  const rows = 256;
  const inputSize = 17;
  const policy = gaussianPolicy(inputSize, 6, {
    ...{ ...sacDefaults, hidden: [256, 256], initialisation: "orthogonal" },
  });

  async function ratioOf(seed: number, observations: Float32Array): Promise<number> {
    const values = Object.fromEntries(
      policy.parameters.map(({ name, shape, init }) => {
        const data = new Float32Array(shape.reduce((size, length) => size * length, 1));
        init(RandomStream.derive(seed, name), data);
        return [name, fromArray(data, shape)];
      }),
    );
    const { hidden } = policy.units(values, fromArray(observations, [rows, inputSize]));
    const ratio = dormantRatio(hidden.map((units) => dormancy(units, THRESHOLD)));
    return (await read(ratio))[0] ?? Number.NaN;
  }

  // Measured with another implementation: 0 to 0.01 and 0.46 to 0.52, of three draws each.
  test.each([1, 2, 3])("says how diverse the batch is: draw %i", async (seed) => {
    const random = RandomStream.derive(seed, "observations");
    const diverse = Float32Array.from({ length: rows * inputSize }, () => random.normal());
    expect(await ratioOf(seed, diverse)).toBeLessThan(0.015);
    const still = diverse.slice(0, inputSize);
    const repeated = diverse.map((_, i) => (still[i % inputSize] ?? 0) + 0.01 * random.normal());
    const stuck = await ratioOf(seed, repeated);
    expect(stuck).toBeGreaterThan(0.42);
    expect(stuck).toBeLessThan(0.56);
  });
});
