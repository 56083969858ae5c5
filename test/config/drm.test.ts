import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { algorithmOptions } from "../../src/learner/algorithm-options.ts";

describe("drm in a configuration", () => {
  test.each<[ConfigInput, string]>([
    [{ algorithm: { name: "ppo" }, drm: { enabled: true } }, "drm.enabled"],
    [{ drm: { enabled: true, perturbMin: 0.95 } }, "drm.perturbMin"],
    [{ drm: { target: 2 } }, "drm.target"],
    [{ drm: { expectile: 1.5 } }, "drm.expectile"],
  ])("%j is refused, naming %s", (input, path) => {
    expect(() => parseConfig(input)).toThrow(path);
  });

  test("reaches the algorithm when it is enabled, and only then", () => {
    expect(algorithmOptions(parseConfig({})).drm).toBeUndefined();
    const options = algorithmOptions(
      parseConfig({ drm: { enabled: true, target: "auto", expectile: 0.7, exploration: "off" } }),
    );
    expect(options.drm).toEqual({
      threshold: 0.025,
      target: 0.2,
      exploitation: 0.6,
      exploitationTemperature: 0.02,
      expectile: 0.7,
      exploration: "off",
      explorationTemperature: 0.1,
    });
  });
});
