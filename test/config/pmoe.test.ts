import { describe, expect, test } from "vitest";
import { pmoeDefaults } from "../../src/algorithms/pmoe.ts";
import { parseConfig } from "../../src/config/parse.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { RunError } from "../../src/errors.ts";
import { algorithmOptions } from "../../src/learner/algorithm-options.ts";

function refusal(input: ConfigInput): string {
  try {
    parseConfig(input);
  } catch (thrown) {
    const error = RunError.from(thrown);
    expect(error.code).toBe("CONFIG_INVALID");
    return error.message;
  }
  throw new Error("accepted");
}

const mixture = (
  pmoe: NonNullable<ConfigInput["pmoe"]>,
  algorithm: ConfigInput["algorithm"] = {},
): ConfigInput => ({ algorithm: { policy: "pmoe", ...algorithm }, pmoe });

describe("a mixture of experts in the configuration", () => {
  test("has the algorithm's own defaults, and is left out unless asked for", () => {
    expect(algorithmOptions(parseConfig(mixture({}))).pmoe).toEqual(pmoeDefaults);
    expect(algorithmOptions(parseConfig({}))).not.toHaveProperty("pmoe");
  });

  test.each<[string, ConfigInput, RegExp]>([
    ["no expert", mixture({ experts: 0 }), /pmoe\.experts.*at least 1/],
    ["more experts than metrics", mixture({ experts: 9 }), /pmoe\.experts is 9, more than 8/],
    [
      "more acting experts than there are",
      mixture({ experts: 2, topK: 3 }),
      /pmoe\.topK is 3, more than pmoe\.experts \(2\); lower it, or use 0/,
    ],
    [
      "probabilities that add up to more than one",
      mixture({ experts: 4, minProbability: 0.25 }),
      /pmoe\.minProbability is 0\.25, which 4 experts cannot all have; use less than 0\.25/,
    ],
    ["a temperature of 0", mixture({ gumbelTemperature: 0 }), /pmoe\.gumbelTemperature/],
    [
      "what PPO has no use for",
      mixture({ expertGradient: "all" }, { name: "ppo" }),
      /pmoe\.expertGradient is all, but PPO's experts learn from the actions that were taken/,
    ],
    [
      "an unknown loss",
      mixture({ gateLoss: "frequencies" as "frequency" }),
      /pmoe\.gateLoss.*frequency/,
    ],
  ])("refuses %s, with the reason", (_, input, message) => {
    expect(refusal(input)).toMatch(message);
  });
});
