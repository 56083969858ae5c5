import { lax, nn, numpy as np, vmap } from "@jax-js/jax";
import { expect, test } from "vitest";
import { adopt, lend } from "../../src/compile/tensor.ts";
import { relativeError } from "../algorithms/closeness.ts";
import { given, normals, runCompiled, runEagerly } from "./compiled.ts";

/** jax-js's own functions, which ops.ts does not offer but an algorithm may come to need. */
const functions: Readonly<Record<string, (x: np.Array, y: np.Array) => np.Array>> = {
  "add, mul, min and max of bools": (x, y) => {
    const [a, b] = [np.less(x.ref, y.ref), np.less(x, 0)];
    const either = np.logicalOr(a.ref, b.ref);
    const both = np.logicalAnd(a.ref, b.ref);
    return np.add(
      np.add(either.astype(np.float32), np.multiply(both.astype(np.float32), 2)),
      np.add(
        np.multiply(np.logicalXor(a, b).astype(np.float32), 4),
        np.multiply(np.logicalNot(np.less(y, 0)).astype(np.float32), 8),
      ),
    );
  },
  "any and all": (x, y) => {
    const positive = np.greater(np.multiply(x, y), 0);
    return np.add(
      np.any(positive.ref, 0).astype(np.float32),
      np.multiply(np.all(positive, 0).astype(np.float32), 2),
    );
  },
  "less or equal, not equal": (x, y) => {
    const [a, b] = [np.floor(x), np.floor(y)];
    return np.add(
      np.lessEqual(a.ref, b.ref).astype(np.float32),
      np.multiply(np.notEqual(a, b).astype(np.float32), 2),
    );
  },
  "whole division and remainder": (x, y) => {
    const [a, b] = [np.multiply(x, 10).astype(np.int32), np.multiply(y, 10).astype(np.int32)];
    const nonZero = np.add(np.multiply(np.absolute(b), 2), 1);
    return np
      .add(np.multiply(np.floorDivide(a.ref, nonZero.ref), 100), np.remainder(a, nonZero))
      .astype(np.float32);
  },
  "trunc, ceil, round": (x, y) => np.add(np.trunc(np.multiply(x, 3)), np.ceil(np.multiply(y, 3))),
  trigonometry: (x, y) => np.add(np.sin(x), np.multiply(np.cos(y.ref), np.arctan(y))),
  arcsine: (x, y) => np.arcsin(np.multiply(np.tanh(x), np.tanh(y))),
  "erf and its complement": (x, y) => np.add(lax.erf(x), np.multiply(lax.erfc(y), 2)),
  power: (x, y) => np.power(np.add(np.absolute(x), 0.5), y),
  "argmax and argmin": (x, y) =>
    np.add(np.argmax(x, 1), np.multiply(np.argmin(y, 1), 10)).astype(np.float32),
  "one-hot by gather": (x, y) =>
    np.multiply(nn.oneHot(np.argmax(x, 1), 6), np.sum(y, 1, { keepdims: true })),
  "take along an axis": (x, y) => np.takeAlongAxis(y, np.argmax(x, 1, { keepdims: true }), 1),
  "fancy index": (x, y) => {
    const rows = np.argmax(x, 0);
    return y.slice(rows, np.arange(0, 6, 1, { dtype: np.int32 }));
  },
  cumsum: (x, y) => np.cumsum(np.add(x, y), 1),
  "prod, of a few": (x, y) => np.prod(np.add(np.multiply(x, 0.1), y), 1),
  tril: (x, y) => np.tril(np.matmul(x, np.transpose(y))),
  roll: (x, y) => np.add(np.roll(x, 2, 1), y),
  tensordot: (x, y) => np.tensordot(x, np.transpose(y), 1),
  outer: (x, y) => np.outer(np.sum(x, 1), np.sum(y, 0)),
  repeat: (x, y) => np.add(np.repeat(x, 2, 0), np.tile(y, [2, 1])),
  vmap: (x, y) =>
    (vmap((a: np.Array, b: np.Array) => np.dot(a, b)) as never as typeof np.add)(x, y),
  layers: (x, y) => nn.gelu(nn.silu(np.multiply(x, nn.elu(y)))),
  standardize: (x, y) => nn.standardize(np.add(x, y)),
};

test.each(Object.entries(functions))("%s is lowered as jax-js computes it", async (_name, fn) => {
  const inputs = { x: normals("x", [4, 6]), y: normals("y", [4, 6]) };
  const compiled = ({ x, y }: Parameters<Parameters<typeof runCompiled>[0]>[0]) => ({
    value: adopt(fn(lend(x!), lend(y!))),
  });
  const { value } = await runCompiled(compiled as never, inputs);
  const { value: expected } = await runEagerly(compiled as never, inputs);
  // jax-js's log, which its power uses, is off by 1.2e-5 near 1.
  expect(relativeError(value!, expected!)).toBeLessThan(5e-5);
});

test("integers and bools come out as numbers", async () => {
  const results = await runCompiled(
    ({ x }) => ({
      largest: adopt(np.argmax(lend(x!), 0)),
      positive: adopt(np.greater(lend(x!), 2)),
    }),
    { x: given([1, 5, 3]) },
  );
  expect([...results["largest"]!]).toEqual([1]);
  expect([...results["positive"]!]).toEqual([0, 1, 1]);
});
