import { defaultDevice, init } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import {
  architectureNames,
  initialParameters,
  type NetworkOptions,
  network,
} from "../../src/algorithms/networks.ts";
import { fromArray, read } from "../../src/compile/ops.ts";
import { findField } from "../../src/config/keys.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const plain: NetworkOptions = { hidden: [4, 4], activation: "relu", initialisation: "uniform" };
const shape = { prefix: "q.", inputSize: 3, outputSize: 2 };

const namesOf = (options: NetworkOptions) =>
  network(shape, options).parameters.map(({ name, shape }) => `${name} ${shape.join("x")}`);

/** The network's output for one row, in float64, by the formulas of the papers. */
function byHand(options: NetworkOptions, values: Record<string, Float32Array>, x: number[]) {
  const relu = (v: number[]) => v.map((a) => Math.max(a, 0));
  const dense = (name: string, v: number[]) => {
    const bias = values[`q.${name}.bias`]!;
    const weight = values[`q.${name}.weight`]!;
    return [...bias].map((b, j) => v.reduce((s, a, i) => s + a * weight[i * bias.length + j]!, b));
  };
  const norm = (name: string, v: number[]) => {
    const mean = v.reduce((a, b) => a + b, 0) / v.length;
    const variance = v.reduce((s, a) => s + (a - mean) ** 2, 0) / v.length;
    return v.map((a, i) => {
      const scale = values[`q.${name}.scale`]![i]!;
      return (scale * (a - mean)) / Math.sqrt(variance + 1e-6) + values[`q.${name}.shift`]![i]!;
    });
  };
  const plus = (a: number[], b: number[]) => a.map((v, i) => v + b[i]!);
  if (options.architecture === "bro") {
    let h = relu(norm("embedNorm", dense("embed", x)));
    for (const k of options.hidden.keys()) {
      const inner = relu(norm(`block${k}.norm0`, dense(`block${k}.dense0`, h)));
      h = plus(h, norm(`block${k}.norm1`, dense(`block${k}.dense1`, inner)));
    }
    return dense("output", h);
  }
  if (options.architecture === "simba") {
    let h = dense("embed", x);
    for (const k of options.hidden.keys()) {
      const inner = relu(dense(`block${k}.dense0`, norm(`block${k}.norm`, h)));
      h = plus(h, dense(`block${k}.dense1`, inner));
    }
    return dense("output", norm("outputNorm", h));
  }
  let h = x;
  for (const k of options.hidden.keys()) {
    const z = dense(`hidden${k}`, h);
    h = relu(options.norm === "layer" ? norm(`norm${k}`, z) : z);
  }
  return dense("output", h);
}

describe("network", () => {
  test("of dense layers has the names that checkpoints have had from the start", () => {
    expect(namesOf(plain)).toEqual([
      "q.hidden0.weight 3x4",
      "q.hidden0.bias 4",
      "q.hidden1.weight 4x4",
      "q.hidden1.bias 4",
      "q.output.weight 4x2",
      "q.output.bias 2",
    ]);
  });

  test.each<[string, Partial<NetworkOptions>]>([
    ["dense layers", {}],
    ["dense layers with norms", { norm: "layer" }],
    ["dense layers of several widths", { hidden: [5, 3] }],
    ["bro", { architecture: "bro" }],
    ["simba", { architecture: "simba" }],
  ])("computes the formulas: %s", async (_, part) => {
    const options = { ...plain, ...part };
    const net = network(shape, options);
    const algorithm = {
      targets: [],
      groups: [{ name: "g", parameters: net.parameters }],
    } as unknown as Algorithm;
    const values = initialParameters(algorithm, 3)["g"]!;
    // Norms start as the identity: move them, so that a scale taken for a shift shows.
    for (const [name, data] of Object.entries(values)) {
      if (!/scale|shift/.test(name)) continue;
      for (const [i, value] of data.entries()) data[i] = value + 0.1 * i + 0.2;
    }
    const tensors = Object.fromEntries(
      net.parameters.map(({ name, shape }) => [name, fromArray(values[name]!, shape)]),
    );
    const x = [0.3, -1.2, 2];
    const out = await read(net.forward(tensors, fromArray(Float32Array.from(x), [1, 3])));
    for (const [i, value] of byHand(options, values, x).entries()) {
      expect(out[i]).toBeCloseTo(value, 5);
    }
  });

  test("of blocks wants one width", () => {
    const options: NetworkOptions = { ...plain, hidden: [4, 8], architecture: "bro" };
    expect(() => network(shape, options)).toThrow(RangeError);
  });

  test("is offered in the configuration in every architecture that there is", () => {
    const { accepts } = findField("algorithm.network.critic.architecture")!;
    expect(accepts).toBe(architectureNames.map((name) => JSON.stringify(name)).join(" or "));
  });
});
