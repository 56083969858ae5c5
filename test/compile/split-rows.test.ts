import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { add, linear, minimum, relu, reshape, type Tensor } from "../../src/compile/ops.ts";
import { relativeError } from "../algorithms/closeness.ts";
import { type Given, given, normals, runCompiled, runEagerly, withGradients } from "./compiled.ts";

type Inputs = Readonly<Record<string, Tensor>>;
const ROWS = 64;

/** min(q1(x), q2(x) + shift) of two networks, one number for each row. */
function smallerOfTwo({ x, v1, w1, b1, v2, w2, b2, shift }: Inputs): Tensor {
  const value = (v: Tensor, b: Tensor, w: Tensor): Tensor => {
    const hidden = relu(linear(x!, v, b));
    return reshape(linear(relu(linear(hidden, w, b)), reshape(b, [8, 1]), shift!), [ROWS]);
  };
  return minimum(value(v1!, b1!, w1!), add(value(v2!, b2!, w2!), shift!));
}

function inputsFor(shift: number): Record<string, Given> {
  return {
    x: normals("x", [ROWS, 5]),
    v1: normals("v1", [5, 8]),
    w1: normals("w1", [8, 8]),
    b1: normals("b1", [8]),
    v2: normals("v2", [5, 8]),
    w2: normals("w2", [8, 8]),
    b2: normals("b2", [8]),
    shift: given([shift]),
  };
}

/** The gradient by the networks' input alone, as a policy's loss has it. */
const byInput = (inputs: Inputs) => {
  const { x, ...rest } = inputs;
  return withGradients((at) => smallerOfTwo({ ...rest, ...at }))({ x: x! });
};

function operators(fn: typeof byInput): string[] {
  const inputs = Object.entries(inputsFor(0)).map(([name, { shape }]) => ({ name, shape }));
  const model = fromBinary(ModelProtoSchema, compile(fn, { name: "f", inputs }));
  return model.graph!.node.map(({ opType }) => opType);
}

describe("the gradient of the smaller of two networks", () => {
  test("runs through each network with the rows where it is the smaller", () => {
    expect(operators(byInput)).toContain("Compress");
  });

  // A shift by 1000 leaves all rows to one network and none to the other.
  test.each([0, 0.5, 1000, -1000])("equals jax-js's when one is shifted by %d", async (shift) => {
    const inputs = inputsFor(shift);
    const compiled = await runCompiled(byInput, inputs);
    const eager = await runEagerly(byInput, inputs);
    for (const [name, expected] of Object.entries(eager)) {
      expect(relativeError(compiled[name]!, expected), name).toBeLessThan(3e-5);
    }
  });

  test("goes to the parameters as well, where nothing is left out", async () => {
    const all = withGradients(smallerOfTwo);
    const compiled = await runCompiled(all, inputsFor(0.5));
    const eager = await runEagerly(all, inputsFor(0.5));
    for (const [name, expected] of Object.entries(eager)) {
      expect(relativeError(compiled[name]!, expected), name).toBeLessThan(3e-5);
    }
  });
});
