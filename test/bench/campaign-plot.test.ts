import { describe, expect, test } from "vitest";
import { experimentPlot, ticks } from "../../bench/campaign/plot.ts";
import {
  type ArmResult,
  type ExperimentResult,
  meanCurve,
  type RunResult,
} from "../../bench/campaign/result.ts";

function run(seed: number, mean: readonly number[]): RunResult {
  const steps = mean.map((_, i) => 10 * (i + 1));
  return { seed, evaluations: { steps, mean, std: mean.map(() => 0) } } as unknown as RunResult;
}

function arm(name: string, runs: readonly RunResult[]): ArmResult {
  return { arm: name, runs, curve: meanCurve(runs) } as unknown as ArmResult;
}

const RUNS = [run(1, [-5, 20]), run(2, [15, 40, 90])];
const RESULT = {
  experiment: "a<b",
  env: "Hopper-v5",
  steps: 30,
  seeds: [1, 2],
  target: { at_least: 50, source: "" },
  arms: [arm("off", RUNS), arm("on", [run(1, [0, 60, 95])]), arm("none", [])],
} as unknown as ExperimentResult;

type Points = readonly (readonly number[])[];

/** Of every shape whose attributes the pattern finds. */
function points(svg: string, pattern: RegExp): readonly Points[] {
  return [...svg.matchAll(pattern)].map(([, text = ""]) =>
    text
      .split(" ")
      .filter(Boolean)
      .map((pair) => pair.split(",").map(Number)),
  );
}

describe("experimentPlot", () => {
  const svg = experimentPlot(RESULT);
  // The legend has a line for each arm, too, and comes first.
  const curves = points(svg, /<polyline [^>]*stroke-width="2.2" points="([^"]*)"/g).slice(3);
  const bands = points(svg, /<polygon [^>]*points="([^"]*)"/g);

  test("draws each arm's mean as far as its seeds go, and a band where there are several", () => {
    expect(curves.map((curve) => curve.length)).toEqual([2, 3, 0]);
    expect(bands.map((band) => band.length)).toEqual([4]);
  });

  test("keeps the mean inside its band", () => {
    const heights = (shape: Points | undefined) => shape?.map(([, y = Number.NaN]) => y) ?? [];
    const [left = 0, right = 0] = heights(curves[0]);
    const [leftTop = 0, rightTop = 0, rightBottom = 0, leftBottom = 0] = heights(bands[0]);
    expect([leftTop, left, leftBottom]).toEqual([leftTop, left, leftBottom].toSorted());
    expect([rightTop, right, rightBottom]).toEqual([rightTop, right, rightBottom].toSorted());
    expect(leftTop).toBeLessThan(leftBottom);
  });

  test("draws the target at its height", () => {
    // The ticks reach from -20 to 100, the frame from 392 up to 72.
    const [, line] = points(svg, /stroke-dasharray[^>]*points="([^"]*)"/g);
    expect(line?.[0]?.[1]).toBeCloseTo(392 - ((50 + 20) / 120) * (392 - 72), 0);
    expect(line?.[1]?.[1]).toBe(line?.[0]?.[1]);
  });

  test("keeps every point inside the picture", () => {
    for (const [x = -1, y = -1] of [...curves, ...bands].flat()) {
      expect(x >= 0 && x <= 720 && y >= 0 && y <= 440).toBe(true);
    }
  });

  test("names arms with their seeds, and escapes what it says", () => {
    expect(svg).toContain(">off (2 of 2 seeds)<");
    expect(svg).toContain(">on (1 of 2 seeds)<");
    expect(svg).toContain("a&lt;b");
  });
});

describe("meanCurve", () => {
  test("is of all seeds as far as all go", () => {
    expect(meanCurve(RUNS)).toEqual({
      steps: [10, 20],
      mean: [5, 30],
      std: [10, 10],
      min: [-5, 20],
      max: [15, 40],
    });
    expect(meanCurve([]).steps).toEqual([]);
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
