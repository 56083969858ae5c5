import { expect, test } from "vitest";
import { summarise } from "../../src/math/summary.ts";

test("summarise gives the population deviation and the extremes", () => {
  expect(summarise([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
    count: 8,
    mean: 5,
    std: 2,
    min: 2,
    max: 9,
  });
});

test("summarise refuses to summarise nothing", () => {
  expect(() => summarise([])).toThrow(RangeError);
});
