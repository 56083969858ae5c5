import { fromBinary } from "@bufbuild/protobuf";
import { lax, numpy as np } from "@jax-js/jax";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { compile, type TensorFunction } from "../../src/compile/compile.ts";
import {
  linear,
  matmul,
  mean,
  mul,
  relu,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  transpose,
  valueAndGrad,
} from "../../src/compile/ops.ts";
import { Program } from "../../src/compile/program.ts";
import { adopt, lend } from "../../src/compile/tensor.ts";
import { normals } from "./compiled.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

function inputsOf(shapes: Shapes) {
  return Object.entries(shapes).map(([name, shape]) => ({ name, shape }));
}

/** How often each operator occurs in the compiled graph. */
function operators(fn: TensorFunction, shapes: Shapes): Record<string, number> {
  const model = fromBinary(ModelProtoSchema, compile(fn, { name: "f", inputs: inputsOf(shapes) }));
  const counts: Record<string, number> = {};
  for (const { opType } of model.graph!.node) {
    if (opType !== "Identity") counts[opType] = (counts[opType] ?? 0) + 1;
  }
  return counts;
}

describe("compile", () => {
  test("makes a layer two operations, and its gradient five more", () => {
    const shapes = { x: [8, 5], w: [5, 4], b: [4], y: [8, 4] };
    const layer: TensorFunction = ({ x, w, b }) => ({ h: relu(linear(x!, w!, b!)) });
    expect(operators(layer, shapes)).toEqual({ Gemm: 1, Relu: 1 });
    const trained: TensorFunction = ({ x, w, b, y }) => {
      const { gradient } = valueAndGrad(
        (at: Readonly<Record<"w" | "b", Tensor>>) => ({
          value: sum(mul(relu(linear(x!, at.w, at.b)), y!)),
          aux: {},
        }),
        { w: w!, b: b! },
      );
      return { dw: gradient.w, db: gradient.b };
    };
    expect(operators(trained, shapes)).toEqual({
      Gemm: 2,
      Relu: 1,
      HardSigmoid: 1,
      Mul: 1,
      MatMul: 1,
    });
  });

  test("keeps transposes out of products", () => {
    const shapes = { a: [6, 3], b: [6, 4] };
    expect(operators(({ a, b }) => ({ c: matmul(transpose(a!), b!) }), shapes)).toEqual({
      Gemm: 1,
    });
    expect(operators(({ a, b }) => ({ c: transpose(matmul(transpose(a!), b!)) }), shapes)).toEqual({
      Gemm: 1,
    });
  });

  test("makes tanh one operation and its gradient three", () => {
    const fn: TensorFunction = ({ x }) => {
      const { gradient } = valueAndGrad((at: Tensor) => ({ value: sum(tanh(at)), aux: {} }), x!);
      return { gradient };
    };
    expect(operators(fn, { x: [7] })).toEqual({ Tanh: 1, Mul: 1, Sub: 1 });
  });

  test("computes nothing twice and nothing that nobody asked for", () => {
    const fn: TensorFunction = ({ x }) => {
      mean(x!);
      return { a: mul(tanh(x!), 2), b: sub(tanh(x!), 1), c: mul(mul(x!, 1), 2) };
    };
    expect(operators(fn, { x: [7] })).toEqual({ Tanh: 1, Mul: 2, Add: 1 });
  });

  test("names an operation it does not know and the function it is in", () => {
    const sorted: TensorFunction = ({ x }) => ({ y: adopt(np.sort(lend(x!))) });
    const failing = (): Uint8Array =>
      compile(sorted, { name: "sac actor loss", inputs: inputsOf({ x: [4] }) });
    expect(failing).toThrow(expect.objectContaining({ code: "COMPILE_UNSUPPORTED" }));
    expect(failing).toThrow(/sac actor loss.*sort/);
  });

  test("refuses element types that graphs here do not have", () => {
    const doubled: TensorFunction = ({ x }) => ({ y: adopt(lend(x!).astype(np.float16)) });
    expect(() => compile(doubled, { name: "f", inputs: inputsOf({ x: [4] }) })).toThrow(
      expect.objectContaining({ code: "COMPILE_UNSUPPORTED" }),
    );
  });

  test("passes an input on, twice even, and returns constants", async () => {
    const fn: TensorFunction = ({ x }) => ({ a: x!, b: reshape(x!, [4]), c: sub(x!, x!) });
    await using program = await Program.load(
      compile(fn, { name: "f", inputs: inputsOf({ x: [2, 2] }) }),
    );
    const { values } = normals("x", [2, 2]);
    const binding = program.bind({ inputs: { x: values } });
    await binding.run();
    expect(binding.outputs["a"]).toEqual(values);
    expect(binding.outputs["b"]).toEqual(values);
    expect(binding.outputs["c"]).toEqual(new Float32Array(4));
  });

  test("keeps inputs that no result depends on, unless told otherwise", async () => {
    const fn: TensorFunction = ({ x }) => ({ y: tanh(x!) });
    const inputs = inputsOf({ x: [2], unused: [3] });
    await using whole = await Program.load(compile(fn, { name: "f", inputs }));
    expect(whole.inputs.map(({ name }) => name)).toEqual(["x", "unused"]);
    const options = { name: "f", inputs, omitUnusedInputs: true };
    await using reduced = await Program.load(compile(fn, options));
    expect(reduced.inputs.map(({ name }) => name)).toEqual(["x"]);
  });

  test("leaves the batch size open when asked to", async () => {
    const size = 1009;
    const fn: TensorFunction = ({ x, w, b }) => ({
      y: tanh(sum(square(linear(x!, w!, b!)), -1, { keepDims: true })),
    });
    const bytes = compile(fn, {
      name: "policy",
      inputs: inputsOf({ x: [size, 3], w: [3, 4], b: [4] }),
      symbolic: { name: "N", size },
    });
    await using program = await Program.load(bytes);
    expect(program.inputs[0]!.shape).toEqual([-1, 3]);
    const w = normals("w", [3, 4]).values;
    const b = normals("b", [4]).values;
    const x = normals("x", [5, 3]).values;
    const all = program.bind({ rows: 5, inputs: { x, w, b } });
    await all.run();
    for (let i = 0; i < 5; i++) {
      const one = program.bind({ rows: 1, inputs: { x: x.slice(3 * i, 3 * i + 3), w, b } });
      await one.run();
      expect(one.outputs["y"]![0]).toBeCloseTo(all.outputs["y"]![i]!, 6);
    }
  });

  test("refuses an open batch size where the result would depend on it", () => {
    const size = 1009;
    const fn: TensorFunction = ({ x }) => ({ y: mean(x!) });
    expect(() =>
      compile(fn, {
        name: "policy",
        inputs: inputsOf({ x: [size, 3] }),
        symbolic: { name: "N", size },
      }),
    ).toThrow(expect.objectContaining({ code: "COMPILE_UNSUPPORTED" }));
  });

  test("reports what jax-js itself cannot differentiate as it is", () => {
    const fn: TensorFunction = ({ x }) => ({ y: adopt(lax.erfc(lend(x!))) });
    expect(operators(fn, { x: [3] })).toEqual({ Erf: 1, Sub: 1 });
  });
});
