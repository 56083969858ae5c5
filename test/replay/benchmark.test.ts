import { describe, expect, test } from "vitest";
import { benchmarkReplay } from "../../src/replay/benchmark.ts";

describe("benchmarkReplay", () => {
  test.each(["uniform", "prioritized", "lap"] as const)("times a small %s replay", (sampling) => {
    const result = benchmarkReplay({ sampling, capacity: 2000, batchSize: 16, batches: 20 });
    expect(result).toMatchObject({ sampling, capacity: 2000, batchSize: 16, transitions: 2000 });
    expect(result.batchMicroseconds.min).toBeGreaterThan(0);
    expect(result.batchMicroseconds.median).toBeGreaterThanOrEqual(result.batchMicroseconds.min);
    expect(result.insertMicrosecondsPerUnroll["64"]).toBeGreaterThan(0);
    expect(result.batchesPerSecond).toBeGreaterThan(0);
  });
});
