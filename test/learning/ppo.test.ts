import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { train } from "../../dist/index.js";

/** Of a machine that is slow and busy: 10 seconds on two cores that are free; what is solved stops at once. */
const TIME_LIMIT_MS = 600_000;
const STEPS = 100_000;
/**
 * Gymnasium's threshold. The policy it starts from, and any that does not watch the pole, falls within 60 steps:
 * 950 in the mean of five episodes does not happen by chance. Runs of seeds 1 to 6 reached 1000, which is all there
 * is, after 27 to 45 thousand steps.
 */
const SOLVED = 950;

test(
  `PPO balances InvertedPendulum-v5 in under ${STEPS} steps`,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "troupe-learning-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const solved = new AbortController();
    const returns: number[] = [];
    const { bestReturn } = await train(
      {
        env: { id: "InvertedPendulum-v5" },
        seed: 1,
        totalSteps: STEPS,
        algorithm: { name: "ppo" },
        evaluation: { interval: 4_000, episodes: 5 },
        metrics: { port: "off" },
        run: { dir },
      },
      {
        signal: solved.signal,
        onEvaluation: ({ meanReturn }) => {
          returns.push(meanReturn);
          if (meanReturn >= SOLVED) solved.abort();
        },
      },
    );
    expect(bestReturn).toBeGreaterThanOrEqual(SOLVED);
    // It was learned, not there from the start.
    expect(returns[0]).toBeLessThan(SOLVED / 2);
  },
  TIME_LIMIT_MS,
);
