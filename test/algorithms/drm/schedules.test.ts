import { describe, expect, test } from "vitest";
import {
  dormancyNoise,
  linearNoise,
  retainedShare,
} from "../../../src/algorithms/drm/schedules.ts";

describe("the share of weights that is kept", () => {
  const ratios = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 1];
  test.each([
    [1, [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0.2]],
    [0.9, [0.9, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0.2]],
    [0.6, [0.6, 0.6, 0.6, 0.6, 0.6, 0.5, 0.4, 0.2, 0.2]],
  ])("is that of the paper for a greatest share of %d", (max, expected) => {
    for (const [i, ratio] of ratios.entries()) {
      expect(retainedShare(ratio, { rate: 2, min: 0.2, max })).toBeCloseTo(expected[i]!, 12);
    }
  });
});

describe("noise", () => {
  test.each([
    [0, 0.1192],
    [0.05, 0.1824],
    [0.1, 0.2689],
    [0.15, 0.3775],
    [0.2, 0.5],
    [0.25, 0.6225],
    [0.3, 0.7311],
    [0.4, 0.8808],
    [0.5, 0.9526],
    [1, 0.99966],
  ])("at a dormant ratio of %d is %d", (ratio, expected) => {
    const noise = dormancyNoise(ratio, { target: 0.2, temperature: 0.1 });
    expect(Math.abs(noise - expected)).toBeLessThan(1e-4);
  });

  test("is lowered from 1 to 0.1 and stays there", () => {
    expect([0, 50, 100, 1000].map((steps) => linearNoise(steps, 100))).toEqual([1, 0.55, 0.1, 0.1]);
  });
});
