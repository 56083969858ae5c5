import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { train } from "../../dist/index.js";

/** Of a machine that is slow and busy: half a minute on two cores that are free. */
const TIME_LIMIT_MS = 600_000;
/** What is solved stops at once, usually after 10 to 25 thousand. */
const STEPS = 60_000;
/** Gymnasium's threshold; the most there is to get is 1000. */
const SOLVED = 950;

test(
  `SAC balances InvertedPendulum-v5 in under ${STEPS} steps`,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "troupe-learning-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const solved = new AbortController();
    const { bestReturn } = await train(
      {
        env: { id: "InvertedPendulum-v5" },
        seed: 1,
        totalSteps: STEPS,
        algorithm: {
          hidden: [64, 64],
          learningStarts: 500,
          learningRates: { actor: 1e-3, critic: 1e-3, temperature: 1e-3 },
        },
        evaluation: { interval: 2_000, episodes: 5 },
        metrics: { port: "off" },
        run: { dir },
      },
      {
        signal: solved.signal,
        onEvaluation: ({ meanReturn }) => {
          if (meanReturn >= SOLVED) solved.abort();
        },
      },
    );
    expect(bestReturn).toBeGreaterThanOrEqual(SOLVED);
  },
  TIME_LIMIT_MS,
);
