import { describe, expect, test } from "vitest";
import { checkReplaySize, replayBytes } from "../../src/replay/memory.ts";
import { PRIORITIZED } from "../../src/replay/sampler.ts";

const HALF_CHEETAH = {
  capacity: 1_000_000,
  observationSize: 17,
  actionSize: 6,
  unrollLength: 8,
  sampling: PRIORITIZED,
  batchSize: 256,
};

describe("checkReplaySize", () => {
  test("a million HalfCheetah transitions with priorities take less than 200 MB", () => {
    expect(replayBytes(HALF_CHEETAH)).toBeLessThan(200e6);
    expect(replayBytes(HALF_CHEETAH)).toBeGreaterThan(1e6 * 4 * (17 + 6 + 1));
  });

  test("uniform sampling needs no tree", () => {
    const uniform = { ...HALF_CHEETAH, sampling: { kind: "uniform" as const } };
    expect(replayBytes(HALF_CHEETAH) - replayBytes(uniform)).toBeGreaterThanOrEqual(16e6);
  });

  test("lets pass what fits, and names a capacity that would", () => {
    const bytes = replayBytes(HALF_CHEETAH);
    expect(() => checkReplaySize(HALF_CHEETAH, bytes)).not.toThrow();
    const refusal = expect.objectContaining({ code: "OUT_OF_MEMORY" });
    expect(() => checkReplaySize(HALF_CHEETAH, bytes - 1)).toThrow(refusal);
    expect(() => checkReplaySize(HALF_CHEETAH, bytes / 2)).toThrow(
      /^a replay of 1000000 transitions takes \d+ MB, but only \d+ MB of memory are available: lower replay.capacity to 500000 or less$/,
    );
    const halved = { ...HALF_CHEETAH, capacity: 499_000 };
    expect(() => checkReplaySize(halved, bytes / 2)).not.toThrow();
  });

  test("refuses a batch larger than replay", () => {
    expect(() => checkReplaySize({ ...HALF_CHEETAH, capacity: 100 }, 1e9)).toThrow(
      "a batch of 256 is larger than a replay of 100: raise replay.capacity or lower algorithm.batchSize",
    );
  });
});
