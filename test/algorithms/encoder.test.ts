import { describe, expect, test } from "vitest";
import type { Parameters } from "../../src/algorithms/algorithm.ts";
import { convolutionalEncoder } from "../../src/algorithms/encoder.ts";
import { add, conv2d, mul, relu, reshape, sub, sum, type Tensor } from "../../src/compile/ops.ts";
import { RandomStream } from "../../src/math/random.ts";
import { type Given, runCompiled, runEagerly, withGradients } from "../compile/compiled.ts";

const IMAGE = { height: 13, width: 12, channels: 1, stack: 2 };
const OPTIONS = { channels: 3, strides: [2, 1] };
const encoder = convolutionalEncoder(IMAGE, OPTIONS);

function parametersFor(specs: typeof encoder.parameters): Record<string, Given> {
  return Object.fromEntries(
    specs.map(({ name, shape, init }) => {
      const values = new Float32Array(shape.reduce((size, length) => size * length, 1));
      init(RandomStream.derive(3, name), values);
      // Biases start at 0, where nothing would show.
      if (name.endsWith("bias")) values.fill(0.1);
      return [name, { shape, values }];
    }),
  );
}

const pixels: Given = {
  shape: [2, 2 * 13 * 12],
  values: Float32Array.from({ length: 4 * 13 * 12 }, (_, i) => (i * i * 37) % 256),
};
const given = { ...parametersFor(encoder.parameters), pixels };
const encode = ({ pixels, ...parameters }: Readonly<Record<string, Tensor>>): Tensor =>
  encoder.encode(parameters, pixels as Tensor);

/** What the paper says, step by step. */
function plainly({ pixels, ...parameters }: Parameters): Tensor {
  const named = (name: string): Tensor => parameters[name] as Tensor;
  const images = sub(mul(reshape(pixels as Tensor, [2, 2, 13, 12]), 1 / 255), 0.5);
  const layer = (x: Tensor, k: number, stride: number): Tensor => {
    const bias = reshape(named(`encoder${k}.bias`), [3, 1, 1]);
    return relu(add(conv2d(x, named(`encoder${k}.kernel`), { stride }), bias));
  };
  return reshape(layer(layer(images, 0, 2), 1, 1), [2, 36]);
}

describe("convolutionalEncoder", () => {
  test.each([
    ["the paper's", { size: 84, channels: 32, strides: [2, 1, 1, 1] }, 39_200],
    ["the reduced", { size: 48, channels: 16, strides: [2, 2, 1, 1] }, 784],
  ])("%s has so many features", (_, { size, channels, strides }, features) => {
    const image = { height: size, width: size, channels: 3, stack: 3 };
    const { outputSize, parameters } = convolutionalEncoder(image, { channels, strides });
    expect(outputSize).toBe(features);
    const shapes = parameters.map(({ shape }) => shape);
    expect(shapes[0]).toEqual([channels, 9, 3, 3]);
    expect(shapes.filter((shape) => shape.length === 4)).toHaveLength(4);
  });

  test("is convolutions with ReLUs on pixels / 255 - 1/2", async () => {
    const expected = await runEagerly((inputs) => ({ features: plainly(inputs) }), given);
    const { features } = await runCompiled((inputs) => ({ features: encode(inputs) }), given);
    expect(features).toHaveLength(2 * encoder.outputSize);
    for (const [i, value] of (expected["features"] ?? []).entries()) {
      expect(features?.[i]).toBeCloseTo(value, 4);
    }
  });

  test("has the gradients that differences show", async () => {
    const graph = withGradients((at) => encode(at));
    const compiled = await runCompiled(graph, given);
    const total = async (name: string, at: number, change: number): Promise<number> => {
      const { shape, values } = given[name as keyof typeof given];
      const moved = values.slice();
      moved[at] = (moved[at] ?? 0) + change;
      const inputs = { ...given, [name]: { shape, values: moved } };
      const { value } = await runEagerly(
        (tensors) => ({ value: sum(mul(encode(tensors), weights())) }),
        inputs,
      );
      return value?.[0] ?? Number.NaN;
    };
    const { fromArray } = await import("../../src/compile/ops.ts");
    const weights = (): Tensor =>
      fromArray(
        Float32Array.from({ length: 2 * encoder.outputSize }, (_, i) => 1 + (i % 7) / 7),
        [2, encoder.outputSize],
      );
    for (const { name, shape } of encoder.parameters) {
      const size = shape.reduce((product, length) => product * length, 1);
      for (const at of [0, Math.floor(size / 2), size - 1]) {
        const step = 1e-2;
        const slope = ((await total(name, at, step)) - (await total(name, at, -step))) / (2 * step);
        const found = compiled[`d/d ${name}`]?.[at] ?? Number.NaN;
        // Kinks of ReLUs within the step, and float32, are within this.
        expect(Math.abs(found - slope), `${name}[${at}]`).toBeLessThan(
          0.02 * Math.abs(slope) + 0.3,
        );
      }
    }
  });

  test("refuses images that are too small for it", () => {
    const image = { height: 8, width: 8, channels: 3, stack: 3 };
    expect(() => convolutionalEncoder(image, { channels: 4, strides: [2, 2, 1] })).toThrow(
      /3 convolutions leave nothing of 8 x 8 pixels/,
    );
  });
});
