import { expect, test } from "vitest";
import { importanceExponentAt } from "../../src/learner/learner.ts";

test("the power of importance weights rises linearly to 1 at the end of the run, and stays there", () => {
  const options = { importanceExponent: 0.4, totalSteps: 1000 };
  const exponents = [0, 250, 500, 1000, 1200].map((steps) => importanceExponentAt(steps, options));
  for (const [i, expected] of [0.4, 0.55, 0.7, 1, 1].entries()) {
    expect(exponents[i]).toBeCloseTo(expected, 12);
  }
});
