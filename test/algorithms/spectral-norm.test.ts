import { describe, expect, test } from "vitest";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { network } from "../../src/algorithms/networks.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { fromArray, read } from "../../src/compile/ops.ts";
import { RandomStream } from "../../src/math/random.ts";
import { openStep } from "../compile/trained.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";

const sizes = { observationSize: 5, actionSize: 3, batchSize: 16 };
const BOUND = 0.5;
const algorithm = sac(
  { ...sacDefaults, hidden: [24, 24], criticNetwork: { spectralNorm: BOUND } },
  sizes,
);

const length = (x: readonly number[]): number => Math.hypot(...x);

/** The largest singular value of a matrix, [rows, columns], by many steps of power iteration in float64. */
function spectralNorm(matrix: ArrayLike<number>, columns: number): number {
  const rows = matrix.length / columns;
  let right: number[] = Array.from({ length: columns }, (_, i) => 1 + i / columns);
  let norm = 0;
  for (let k = 0; k < 2_000; k++) {
    const left = Array.from({ length: rows }, (_, i) =>
      right.reduce((sum, x, j) => sum + x * matrix[i * columns + j]!, 0),
    );
    const next = right.map((_, j) =>
      left.reduce((sum, x, i) => sum + x * matrix[i * columns + j]!, 0),
    );
    norm = length(left) / length(right);
    right = next.map((x) => x / length(next));
  }
  return norm;
}

/** What a layer of 4 to 3 makes of the unit vectors, a row for each: its matrix as it is applied. */
async function appliedMatrix(weight: Float32Array, direction: Float32Array, bound: number) {
  const shape = { prefix: "", inputSize: 4, outputSize: 2 };
  const options = { hidden: [3], activation: "relu", initialisation: "uniform" } as const;
  const { forward } = network(shape, { ...options, spectralNorm: bound });
  // Positive weights and units: relu lets all through, and the output layer shows two of three.
  const output = Float32Array.from([1, 0, 0, 1, 0, 0]);
  const rows = Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const result = forward(
    {
      "hidden0.weight": fromArray(weight, [4, 3]),
      "hidden0.bias": fromArray(new Float32Array(3), [3]),
      "hidden0.direction": fromArray(direction, [3]),
      "output.weight": fromArray(output, [3, 2]),
      "output.bias": fromArray(new Float32Array(2), [2]),
    },
    fromArray(rows, [4, 4]),
  );
  return await read(result);
}

describe("a layer of bounded spectral norm", () => {
  const random = RandomStream.derive(3);
  const weight = Float32Array.from({ length: 12 }, () => random.uniformBetween(0.1, 1));
  const sigma = spectralNorm(weight, 3);
  // Far on in power iteration: the eigenvector of W^T W.
  let direction: number[] = [1, 1, 1];
  for (let k = 0; k < 200; k++) {
    const next = [0, 1, 2].map((j) =>
      [0, 1, 2, 3].reduce((sum, i) => {
        const left = direction.reduce((part, x, c) => part + x * weight[3 * i + c]!, 0);
        return sum + left * weight[3 * i + j]!;
      }, 0),
    );
    direction = next.map((x) => x / length(next));
  }

  test("is scaled down to it", async () => {
    const applied = await appliedMatrix(weight, Float32Array.from(direction), sigma / 4);
    for (let i = 0; i < 4; i++) {
      for (const j of [0, 1]) expect(applied[2 * i + j]).toBeCloseTo(weight[3 * i + j]! / 4, 5);
    }
  });

  test("is left as it is below", async () => {
    const applied = await appliedMatrix(weight, Float32Array.from(direction), 1.1 * sigma);
    for (let i = 0; i < 4; i++) {
      for (const j of [0, 1]) expect(applied[2 * i + j]).toBeCloseTo(weight[3 * i + j]!, 6);
    }
  });
});

// Each compiles an update or two: a second, several on a busy machine.
describe("critics of bounded spectral norm", { timeout: 20_000 }, () => {
  test("find the norms of their hidden layers, one step of power iteration an update", async () => {
    await using step = await openStep(algorithm, trainedParameters(algorithm, 3));
    const { batch, noise } = drawInputs(algorithm, 0);
    // Weights that stand still.
    for (let k = 0; k < 200; k++) await step.step(batch, noise, 0);
    const state = step.exportState();
    for (const layer of ["q1.hidden0", "q1.hidden1", "q2.hidden0", "q2.hidden1"]) {
      const weight = state[`parameters/critic/${layer}.weight`]!;
      const direction = [...state[`parameters/critic/${layer}.direction`]!.data];
      const [rows = 0, columns = 0] = weight.shape;
      const image = Array.from({ length: rows }, (_, i) =>
        direction.reduce((sum, x, j) => sum + x * weight.data[i * columns + j]!, 0),
      );
      const expected = spectralNorm(weight.data, columns);
      expect(expected).toBeGreaterThan(BOUND);
      expect(length(image) / expected, layer).toBeGreaterThan(0.999);
      expect(length(direction)).toBeCloseTo(1, 5);
    }
    expect(state["parameters/critic/q1.output.direction"]).toBeUndefined();
    expect(state["parameters/actor/hidden0.direction"]).toBeUndefined();
  });

  test("go on from an exported state as if they had never stopped", async () => {
    await using whole = await openStep(algorithm);
    await using resumed = await openStep(algorithm);
    for (let k = 0; k < 6; k++) {
      const { batch, noise } = drawInputs(algorithm, k);
      if (k === 3) resumed.importState(whole.exportState());
      await whole.step(batch, noise);
      if (k >= 3) await resumed.step(batch, noise);
    }
    const [expected, actual] = [whole.exportState(), resumed.exportState()];
    for (const [name, { data }] of Object.entries(expected)) {
      expect([...actual[name]!.data], name).toEqual([...data]);
    }
  });

  test("keep their directions in an update that does not take place", async () => {
    await using step = await openStep(algorithm);
    const { batch, noise } = drawInputs(algorithm, 0);
    await step.step(batch, noise);
    const name = "parameters/critic/q1.hidden0.direction";
    const before = [...step.exportState()[name]!.data];
    const broken = { ...batch, returns: batch["returns"]!.map(() => Number.NaN) };
    expect((await step.step(broken, noise)).finite).toBe(false);
    expect([...step.exportState()[name]!.data]).toEqual(before);
    await step.step(batch, noise);
    expect([...step.exportState()[name]!.data]).not.toEqual(before);
  });
});

test("the bound holds in every kind of network", () => {
  const architectures = ["mlp", "bro", "simba"] as const;
  for (const architecture of architectures) {
    const { parameters, carry } = network(
      { prefix: "q.", inputSize: 4, outputSize: 1 },
      {
        ...{ hidden: [8, 8], activation: "relu", initialisation: "orthogonal" },
        ...{ architecture, spectralNorm: 1 },
      },
    );
    const weights = parameters.filter(({ name }) => name.endsWith(".weight"));
    const values: ParameterValues = { q: {} };
    for (const { name, shape, init } of parameters) {
      const data = new Float32Array(shape.reduce((size, axis) => size * axis, 1));
      init(RandomStream.derive(1, name), data);
      values["q"]![name] = data;
    }
    const tensors = Object.fromEntries(
      parameters.map(({ name, shape }) => [name, fromArray(values["q"]![name]!, shape)]),
    );
    const bounded = Object.keys(carry?.(tensors) ?? {});
    expect(bounded.sort()).toEqual(
      weights
        .map(({ name }) => name.replace("weight", "direction"))
        .filter((name) => name !== "q.output.direction")
        .sort(),
    );
  }
});
