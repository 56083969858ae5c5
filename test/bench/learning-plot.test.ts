import { describe, expect, test } from "vitest";
import { learningPlot, meanCurve, ticks } from "../../bench/learning-plot.ts";
import type { LearningResult, SeedResult } from "../../bench/learning-result.ts";

function run(seed: number, mean: readonly number[], complete = true): SeedResult {
  const steps = mean.map((_, i) => 10 * (i + 1));
  const evaluations = { steps, mean, std: mean.map(() => 0) };
  return { seed, complete, env_steps: 0, learner_steps: 0, wall_seconds: 0, evaluations };
}

const RUNS = [run(1, [-5, 20]), run(2, [15, 40, 90], false)];
const RESULT = {
  env: "Hopper-v5",
  algorithm: "sac",
  steps: 30,
  runs: RUNS,
} as unknown as LearningResult;

describe("learningPlot", () => {
  const svg = learningPlot(RESULT, 50);

  /** Of the polylines that are drawn with a width: the seeds, then their mean. */
  const curves = [...svg.matchAll(/<polyline [^>]*stroke-width[^>]*points="([^"]*)"/g)].map(
    ([, points = ""]) => points.split(" ").map((pair) => pair.split(",").map(Number)),
  );

  test("draws a line for each seed and the mean of those that are complete", () => {
    expect(curves.map((points) => points.length)).toEqual([2, 3, 2]);
    expect(curves[2]).toEqual(curves[0]);
    expect(svg).toContain("mean of 1");
  });

  test("draws the target at its height", () => {
    // The ticks reach from -20 to 100, the frame from 372 up to 44.
    const [, points] = /stroke-dasharray[^>]*points="([^"]*)"/.exec(svg) ?? [];
    const heights = points?.split(" ").map((pair) => Number(pair.split(",")[1]));
    expect(heights?.[0]).toBeCloseTo(372 - ((50 + 20) / 120) * (372 - 44), 0);
    expect(heights?.[1]).toBe(heights?.[0]);
  });

  test("keeps every point inside the picture, and higher values higher", () => {
    const points = curves.flat();
    for (const [x = -1, y = -1] of points) {
      expect(x >= 0 && x <= 720 && y >= 0 && y <= 420).toBe(true);
    }
    const rising = curves[1]?.map(([, y = 0]) => y) ?? [];
    expect(rising).toEqual(rising.toSorted((a, b) => b - a));
  });

  test("marks a seed that is not complete", () => {
    expect(svg).toMatch(/seed 2 \(not complete\)/);
    expect(svg).not.toMatch(/seed 1 \(not complete\)/);
  });
});

describe("meanCurve", () => {
  test("is the mean over seeds as far as all go", () => {
    expect(meanCurve(RUNS)).toEqual([
      [10, 5],
      [20, 30],
    ]);
  });
});

describe("ticks", () => {
  test.each([
    [0, 100_000, [0, 20_000, 40_000, 60_000, 80_000, 100_000]],
    [-135, 4325, [-1000, 0, 1000, 2000, 3000, 4000, 5000]],
    [0, 0.7, [0, 0.2, 0.4, 0.6, 0.8]],
  ])("of [%d, %d] are round and enclose it", (low, high, expected) => {
    const found = ticks([low, high]);
    expect(found.length).toBe(expected.length);
    for (const [i, tick] of found.entries()) expect(tick).toBeCloseTo(expected[i]!, 9);
  });
});
