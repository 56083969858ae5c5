import { describe, expect, test } from "vitest";
import { describeChange, diffConfigs } from "../../src/config/diff.ts";
import { parseConfig } from "../../src/config/parse.ts";

describe("diffConfigs", () => {
  test("finds nothing between equal configurations", () => {
    const options = { env: { options: { a: [1] } } };
    expect(diffConfigs(parseConfig(options), parseConfig(structuredClone(options)))).toEqual([]);
  });

  test("tells what a resumed run may change from what makes it another run", () => {
    const after = parseConfig({
      env: { id: "Hopper-v5", options: { a: 1 } },
      totalSteps: 2e6,
      algorithm: { hidden: [64, 64], batchSize: 128 },
      replay: { capacity: 5e5 },
      evaluation: { episodes: 3 },
      checkpoint: { keep: 5 },
      metrics: { port: 9000 },
    });
    const changes = diffConfigs(parseConfig({}), after);
    expect(Object.fromEntries(changes.map(({ path, safe }) => [path, safe]))).toEqual({
      "env.id": false,
      "env.options": false,
      totalSteps: true,
      "algorithm.batchSize": true,
      "algorithm.hidden": false,
      "replay.capacity": false,
      "evaluation.episodes": true,
      "checkpoint.keep": true,
      "metrics.port": true,
    });
    expect(changes.map(describeChange)).toContain(
      'env.id: "HalfCheetah-v5" -> "Hopper-v5" (needs a new run)',
    );
  });

  test("lets a deterministic run change nothing that would change its numbers", () => {
    const before = parseConfig({ deterministic: true });
    const after = parseConfig({ deterministic: true, algorithm: { tau: 0.1 }, totalSteps: 2e6 });
    expect(diffConfigs(before, after).map(({ path, safe }) => [path, safe])).toEqual([
      ["totalSteps", true],
      ["algorithm.tau", false],
    ]);
  });
});
