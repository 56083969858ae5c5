import { expect } from "vitest";
import { fromArray, read, type Tensor } from "../../src/compile/ops.ts";

/** Of these numbers, row after row. */
export const tensor = (shape: readonly number[], ...values: number[]): Tensor =>
  fromArray(Float32Array.from(values), shape);

export const numbers = async (x: Tensor): Promise<number[]> => [...(await read(x))];

export const expectNear = (
  values: readonly number[],
  expected: readonly number[],
  digits = 5,
): void => {
  expect(values).toHaveLength(expected.length);
  for (const [i, x] of values.entries()) expect(x).toBeCloseTo(expected[i]!, digits);
};
