import { expect, test } from "vitest";
import { SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

// A real run of threads, which other test files compete with for two cores.
const TIMEOUT_MS = 180_000;

test(
  "evaluations slower than their interval are left out, with a warning, and do not pile up",
  async (context) => {
    const slow = settings({
      "evaluation.interval": 20,
      "evaluation.episodes": 200,
      totalSteps: 1_000,
    });
    const argv = ["PointMass-v0", ...SMALL, ...slow];
    const run = startTrain(context, scratchFolder(context), { argv });
    const { code } = await run.ended();
    expect(code).toBe(0);
    const skipped = run.log.filter(({ msg }) => msg.startsWith("no evaluation at step"));
    expect(skipped.length).toBeGreaterThan(10);
    expect(skipped[0]?.msg).toMatch(/2 are not done yet; raise evaluation.interval/);
  },
  TIMEOUT_MS,
);
