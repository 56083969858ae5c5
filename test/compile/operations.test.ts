import { expect, test } from "vitest";
import {
  abs,
  add,
  argmax,
  broadcastTo,
  cast,
  clip,
  concat,
  conv2d,
  deposit,
  div,
  equal,
  erf,
  exp,
  flip,
  floor,
  gather,
  greater,
  less,
  linear,
  log,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  oneHot,
  pad,
  power,
  reciprocal,
  relu,
  reshape,
  sigmoid,
  sign,
  slice,
  softmax,
  softplus,
  split,
  sqrt,
  square,
  stack,
  standardize,
  stopGradient,
  sub,
  sum,
  type Tensor,
  takeAlongAxis,
  tanh,
  transpose,
  where,
  withSlope,
} from "../../src/compile/ops.ts";
import { relativeError } from "../algorithms/closeness.ts";
import { type Given, given, normals, runCompiled, runEagerly, withGradients } from "./compiled.ts";

type Inputs = Readonly<Record<string, Tensor>>;
interface Case {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Given>>;
  readonly fn: (inputs: Inputs) => Tensor;
}

const x = normals("x", [4, 6]);
const y = normals("y", [4, 6]);
const row = normals("row", [6]);
const column = normals("column", [4, 1]);
const positive: Given = { shape: [4, 6], values: x.values.map((value) => Math.abs(value) + 0.1) };
const indices = given([2, 0, 5, 1], [4]);
const int = (tensor: Tensor): Tensor => cast(tensor, "int32");

function unary(name: string, fn: (x: Tensor) => Tensor, input: Given = x): Case {
  return { name, inputs: { x: input }, fn: ({ x }) => fn(x!) };
}

function binary(name: string, fn: (a: Tensor, b: Tensor) => Tensor, [a, b] = [x, y]): Case {
  return { name, inputs: { a: a!, b: b! }, fn: ({ a, b }) => fn(a!, b!) };
}

const cases: Case[] = [
  binary("add", add),
  binary("add, a row", add, [x, row]),
  binary("add, a column", add, [column, x]),
  binary("outer sum", add, [column, row]),
  binary("sub", sub),
  binary("mul", mul),
  binary("mul, a row", mul, [x, row]),
  binary("div", div, [x, positive]),
  unary("div by a number", (x) => div(x, 3)),
  unary("neg", neg),
  unary("reciprocal", reciprocal, positive),
  unary("exp", exp),
  unary("log", log, positive),
  unary("sqrt", sqrt, positive),
  unary("square", square),
  unary("power 5", (x) => power(x, 5)),
  unary("power -2", (x) => power(x, -2), positive),
  unary("tanh", tanh),
  unary("relu", relu),
  unary("abs", abs),
  unary("sign", (x) => mul(sign(x), x)),
  unary("softplus", softplus),
  unary("sigmoid", sigmoid),
  unary("softmax", softmax),
  unary("logSoftmax", logSoftmax),
  unary("softmax of a transpose", (x) => softmax(transpose(x))),
  unary("standardize", standardize),
  unary("standardize a transpose", (x) => standardize(transpose(x))),
  unary("standardize each vector of a batch", standardize, normals("cube", [3, 9, 4])),
  unary("withSlope", (x) => withSlope(x, sum(square(x), -1), mul(x, 2))),
  binary("deposit", (mass, at) => add(deposit(abs(mass), clip(mul(abs(at), 3), 0, 5)), mass)),
  unary("erf", erf),
  unary("floor", (x) => add(floor(x), x)),
  binary("minimum", minimum),
  binary("maximum", maximum),
  unary("clip", (x) => clip(x, -0.5, 0.7)),
  binary("where greater", (a, b) => where(greater(a, b), a, mul(b, 2))),
  binary("where less, numbers", (a, b) => mul(where(less(a, b), 2, -1), a)),
  unary("equal", (x) => mul(cast(equal(floor(x), 0), "float32"), x)),
  unary("stopGradient", (x) => mul(stopGradient(x), x)),
  unary("sum", (x) => sum(x)),
  unary("sum over rows", (x) => sum(x, 0)),
  unary("sum over columns, kept", (x) => sum(x, -1, { keepDims: true })),
  unary("sum over many rows", (x) => sum(x, 0), normals("tall", [32, 5])),
  unary("sum over the middle", (x) => sum(x, 1), normals("cube", [3, 9, 4])),
  unary("sum of a broadcast", (x) => sum(broadcastTo(x, [3, 4, 6]), [0, 2])),
  unary("mean", (x) => mean(x, [0, 1])),
  unary("max", (x) => max(x, 1)),
  unary("max of all", (x) => max(x)),
  unary("min, kept", (x) => min(x, 0, { keepDims: true })),
  unary("logSumExp", (x) => logSumExp(x, 1)),
  unary("argmax", (x) => mul(cast(argmax(x, 1), "float32"), sum(x, 1))),
  binary("matmul", (a, b) => matmul(a, transpose(b))),
  binary("matmul by a transpose", (a, b) => matmul(transpose(a), b)),
  binary("matmul of transposes", (a, b) => matmul(transpose(a), transpose(b)), [
    normals("left", [3, 4]),
    normals("right", [5, 3]),
  ]),
  binary("matmul with a vector", matmul, [x, row]),
  binary("inner product", matmul, [row, normals("other", [6])]),
  binary("batch of products", matmul, [normals("p", [3, 4, 5]), normals("q", [3, 5, 2])]),
  binary("stacked weights", matmul, [x, normals("w", [3, 6, 5])]),
  binary("sequences by one matrix", matmul, [normals("p", [3, 4, 5]), normals("q", [5, 2])]),
  binary("product of broadcasts", (a, b) => matmul(broadcastTo(a, [4, 6]), b), [
    row,
    normals("q", [6, 2]),
  ]),
  {
    name: "linear",
    inputs: { x, w: normals("w", [6, 3]), b: normals("b", [3]) },
    fn: ({ x, w, b }) => linear(x!, w!, b!),
  },
  {
    name: "two layers with relu",
    inputs: {
      x,
      w: normals("w", [6, 3]),
      b: normals("b", [3]),
      v: normals("v", [3, 1]),
      c: normals("c", [1]),
    },
    fn: ({ x, w, b, v, c }) => linear(relu(linear(x!, w!, b!)), v!, c!),
  },
  {
    name: "transposed product plus bias",
    inputs: { x, w: normals("w", [6, 3]), b: normals("b4", [4]) },
    fn: ({ x, w, b }) => add(transpose(matmul(x!, w!)), b!),
  },
  {
    name: "layer norm",
    inputs: { x, scale: row, shift: normals("shift", [6]) },
    fn: ({ x, scale, shift }) => {
      const centred = sub(x!, mean(x!, -1, { keepDims: true }));
      const variance = mean(square(centred), -1, { keepDims: true });
      return add(mul(div(centred, sqrt(add(variance, 1e-5))), scale!), shift!);
    },
  },
  unary("reshape", (x) => mul(reshape(x, [2, 12]), reshape(x, [2, 12]))),
  unary("reshape of a transpose", (x) => exp(reshape(transpose(x), [3, 8]))),
  unary("joined and taken apart", (x) =>
    tanh(reshape(reshape(transpose(x, [1, 0]), [24]), [6, 4])),
  ),
  unary("transpose of three", (x) => exp(transpose(x, [2, 0, 1])), normals("cube", [3, 9, 4])),
  unary("broadcastTo", (x) => exp(broadcastTo(reshape(x, [4, 1, 6]), [4, 3, 6]))),
  binary("concat", (a, b) => exp(concat([a, transpose(b), a], 1)), [x, normals("c", [5, 4])]),
  unary("split", (x) => {
    const [a, b] = split(x, [2, 4]);
    return mul(a!, sum(b!, 1, { keepDims: true }));
  }),
  unary("split of a transpose", (x) => exp(split(transpose(x), [1, 3, 2], 0)[1]!)),
  unary("slice", (x) => exp(slice(x, [1, 4]))),
  unary("slice to one", (x) => mul(slice(x, [2, 3], 0), x)),
  binary("stack", (a, b) => exp(stack([a, b], 1))),
  unary("flip", (x) => mul(flip(x, 1), x)),
  unary("pad", (x) =>
    exp(
      pad(x, [
        [1, 0],
        [0, 2],
      ]),
    ),
  ),
  {
    name: "oneHot",
    inputs: { x, i: indices },
    fn: ({ x, i }) => mul(oneHot(int(stopGradient(i!)), 6), x!),
  },
  {
    name: "gather",
    inputs: { x, i: given([3, 0, 3]) },
    fn: ({ x, i }) => exp(gather(x!, int(stopGradient(i!)))),
  },
  {
    name: "gather along the last axis",
    inputs: { x, i: given([3, 0, 3]) },
    fn: ({ x, i }) => exp(gather(x!, int(stopGradient(i!)), 1)),
  },
  {
    name: "takeAlongAxis",
    inputs: { x, i: given([2, 0, 5, 1, 3, 3, 0, 0], [4, 2]) },
    fn: ({ x, i }) => exp(takeAlongAxis(x!, int(stopGradient(i!)))),
  },
  {
    name: "conv2d",
    inputs: { x: normals("image", [2, 3, 7, 6]), k: normals("kernel", [4, 3, 3, 2]) },
    fn: ({ x, k }) => conv2d(x!, k!),
  },
  {
    name: "conv2d, strided and padded",
    inputs: { x: normals("image", [2, 3, 8, 7]), k: normals("kernel", [4, 3, 3, 3]) },
    fn: ({ x, k }) => conv2d(x!, k!, { stride: 2, padding: [1, 0] }),
  },
  // Of some lengths the last rows and columns are in no window.
  ...[7, 8, 9].map((length) => ({
    name: `conv2d of ${length} rows, stride 2`,
    inputs: { x: normals("image", [2, 3, length, 6]), k: normals("kernel", [4, 3, 3, 3]) },
    fn: ({ x, k }: Readonly<Record<string, Tensor>>) => conv2d(x!, k!, { stride: 2 }),
  })),
  {
    name: "conv2d, stride 3",
    inputs: { x: normals("image", [2, 3, 11, 10]), k: normals("kernel", [4, 3, 3, 2]) },
    fn: ({ x, k }) => conv2d(x!, k!, { stride: 3, padding: [0, 1] }),
  },
];

// jax-js's log is off by up to 1.2e-5 near 1.
const TOLERANCE = 3e-5;

test.each(cases)("$name has the values and gradients of jax-js", async ({ inputs, fn }) => {
  const differentiated = withGradients((at) => fn(at));
  const [compiled, eager] = [
    await runCompiled(differentiated, inputs),
    await runEagerly(differentiated, inputs),
  ];
  for (const [name, expected] of Object.entries(eager)) {
    expect(relativeError(compiled[name]!, expected), name).toBeLessThan(TOLERANCE);
  }
});
