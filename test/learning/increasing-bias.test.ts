import { expect, test } from "vitest";
import { learnIncreasingBias } from "../../bench/increasing-bias.ts";

/**
 * The first two phases of Farebrother et al. 2024's figure 17. In the committed result (bench/results/
 * nonstationary-regression.json, three seeds) errors go from 0.22 to 0.34 by squared errors, and from 0.36 to 0.28
 * by HL-Gauss.
 */
test("a network that learned by HL-Gauss learns its moved target better, by squared errors worse", {
  // 8,000 updates of a small network: ten seconds, a minute on a busy machine.
  timeout: 180_000,
}, async () => {
  const run = { seed: 1, updates: 2_000, biases: [0, 8] };
  const [scalar = 0, scalarMoved = 0] = await learnIncreasingBias({ ...run, critic: "mse" });
  const [first = 0, moved = 0] = await learnIncreasingBias({ ...run, critic: "hl-gauss" });
  expect(scalarMoved).toBeGreaterThan(1.2 * scalar);
  expect(moved).toBeLessThan(0.9 * first);
  expect(moved).toBeLessThan(scalarMoved);
});
