import { expect, test } from "vitest";
import { ppo, ppoDefaults } from "../../src/algorithms/ppo.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { compile, type TensorFunction } from "../../src/compile/compile.ts";
import { DirectProgram } from "../../src/compile/direct/direct-program.ts";
import {
  abs,
  add,
  argmax,
  cast,
  div,
  exp,
  linear,
  log,
  matmul,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  reciprocal,
  relu,
  reshape,
  sigmoid,
  softplus,
  split,
  sqrt,
  standardize,
  sub,
  sum,
  tanh,
} from "../../src/compile/ops.ts";
import { Program } from "../../src/compile/program.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { RandomStream } from "../../src/math/random.ts";

const SHAPES = { x: [3, 4], y: [3, 4], row: [4], column: [3, 1], weight: [4, 5], bias: [5] };

const functions: Readonly<Record<string, TensorFunction>> = {
  "one argument": ({ x }) => ({
    abs: abs(x!),
    exp: exp(x!),
    neg: neg(x!),
    relu: relu(x!),
    sigmoid: sigmoid(x!),
    softplus: softplus(mul(x!, 30)),
    tanh: tanh(x!),
    log: log(abs(x!)),
    sqrt: sqrt(abs(x!)),
    reciprocal: reciprocal(x!),
  }),
  "two arguments": ({ x, y, row, column }) => ({
    add: add(x!, y!),
    sub: sub(x!, row!),
    mul: mul(column!, x!),
    div: div(row!, x!),
    maximum: maximum(x!, 0.1),
    minimum: minimum(column!, row!),
  }),
  "matrix products": ({ x, weight, bias, y }) => ({
    linear: linear(x!, weight!, bias!),
    product: matmul(y!, weight!),
  }),
  "one row": ({ row, weight, bias }) => ({ out: linear(reshape(row!, [1, 4]), weight!, bias!) }),
  sums: ({ x }) => ({ all: sum(x!), mean: mean(x!), last: sum(x!, 1, { keepDims: true }) }),
  norms: ({ x }) => ({ out: standardize(x!) }),
  "split columns": ({ x }) => {
    const [a, b] = split(x!, [1, 3]);
    return { a: exp(a!), b: neg(b!) };
  },
  "split rows": ({ x }) => {
    const [a, b] = split(x!, [2, 1], 0);
    return { a: exp(a!), b: neg(b!) };
  },
};

test.each(Object.entries(functions))("%s: as ONNX Runtime computes it", async (_, fn) => {
  const inputs = Object.entries(SHAPES).map(([name, shape]) => ({ name, shape }));
  await expectSame(compile(fn, { name: "test", inputs, omitUnusedInputs: true }));
});

const sizes = { observationSize: 7, actionSize: 3, batchSize: 4 };
const small = { hidden: [16, 9] };

const policies = {
  "PPO's": ppo({ ...ppoDefaults, ...small }, sizes),
  "PPO's with layer norms": ppo(
    { ...ppoDefaults, ...small, policyNetwork: { norm: "layer" } },
    sizes,
  ),
  "residual PPO's": ppo(
    { ...ppoDefaults, hidden: [16, 16], policyNetwork: { architecture: "bro" } },
    sizes,
  ),
  "SAC's": sac({ ...sacDefaults, ...small }, sizes),
};

test.each(
  Object.entries(policies).flatMap(([name, policy]) =>
    [1, 2].map((rows) => [`${name}, ${rows} observations`, compilePolicy(policy, rows)] as const),
  ),
)("%s: as ONNX Runtime computes it", async (_, model) => {
  await expectSame(model);
});

test("a model that is too large, or has other operations, is left to ONNX Runtime", () => {
  const large = sac({ ...sacDefaults, hidden: [256, 256] }, sizes);
  expect(DirectProgram.from(compilePolicy(large, 1))).toBeUndefined();
  const other: TensorFunction = ({ x }) => ({ best: cast(argmax(x!), "float32") });
  const inputs = [{ name: "x", shape: [3, 4] }];
  expect(DirectProgram.from(compile(other, { name: "test", inputs }))).toBeUndefined();
});

test("inputs may be buffers of the caller, and are read by each run", () => {
  const inputs = [{ name: "x", shape: [2] }];
  const model = compile(({ x }) => ({ twice: mul(x!, 2) }), { name: "test", inputs });
  const x = new Float32Array([1, 2]);
  const binding = DirectProgram.from(model)!.bind({ inputs: { x } });
  void binding.run();
  expect(Array.from(binding.outputs["twice"]!)).toEqual([2, 4]);
  x[1] = 5;
  void binding.run();
  expect(Array.from(binding.outputs["twice"]!)).toEqual([2, 10]);
});

async function expectSame(model: Uint8Array): Promise<void> {
  await using program = await Program.load(model);
  const [theirs, ours] = [program.bind(), DirectProgram.from(model)!.bind()];
  for (const [name, values] of Object.entries(theirs.inputs)) {
    RandomStream.derive(3, name).fillNormal(values);
    ours.inputs[name]!.set(values);
  }
  await theirs.run();
  await ours.run();
  expect(Object.keys(ours.outputs)).toEqual(Object.keys(theirs.outputs));
  for (const [name, values] of Object.entries(theirs.outputs)) {
    const scale = Math.max(1, ...values.map(Math.abs));
    const gap = Math.max(...values.map((value, i) => Math.abs(value - ours.outputs[name]![i]!)));
    expect.soft(gap / scale, name).toBeLessThan(2e-6);
  }
}
