import { describe, expect, test } from "vitest";
import { criticSettings } from "../../src/config/critic-settings.ts";
import { parseConfig } from "../../src/config/parse.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { RunError } from "../../src/errors.ts";
import { algorithmOptions } from "../../src/learner/algorithm-options.ts";

type AlgorithmInput = NonNullable<ConfigInput["algorithm"]>;

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

const settingsOf = (algorithm: AlgorithmInput) => criticSettings(parseConfig({ algorithm }));

describe("what stands behind a critic's auto", () => {
  test.each<[AlgorithmInput, object]>([
    [{}, { rewardScaling: "none", initialTemperature: 1 }],
    [{ critic: "c51" }, { rewardScaling: "deviation", min: -5, max: 5, initialTemperature: 0.01 }],
    [
      { critic: "hl-gauss", rewardScaling: "range" },
      { min: -10, max: 10 },
    ],
    [{ rewardScaling: "deviation" }, { rewardScaling: "deviation", initialTemperature: 0.01 }],
    [
      { critic: "two-hot", rewardScaling: "none", criticSupport: { min: 0, max: 100 } },
      { rewardScaling: "none", min: 0, max: 100, initialTemperature: 1 },
    ],
    [{ critic: "c51", initialTemperature: 0.05 }, { initialTemperature: 0.05 }],
    [{ critic: "c51", temperature: 0.02 }, { initialTemperature: 0.02 }],
    [{ temperature: 0 }, { initialTemperature: 0 }],
  ])("%j", (algorithm, expected) => {
    expect(settingsOf(algorithm)).toMatchObject(expected);
  });
});

test("a fixed temperature and clamped deviations reach the algorithm", () => {
  const own = { temperature: 0.2, logStdBound: "clamp", logStdMin: -20 } as const;
  expect(algorithmOptions(parseConfig({ algorithm: own }))).toMatchObject(own);
  const { temperature, logStdBound } = algorithmOptions(parseConfig({}));
  expect({ temperature, logStdBound }).toEqual({ temperature: "auto", logStdBound: "squash" });
});

describe("what a critic cannot be is refused with the reason", () => {
  test.each<[string, ConfigInput, RegExp]>([
    [
      "one atom",
      { algorithm: { critic: "c51", criticSupport: { atoms: 1 } } },
      /criticSupport\.atoms must be a whole number of at least 2.* not 1/,
    ],
    [
      "a support whose ends are exchanged",
      { algorithm: { critic: "c51", criticSupport: { min: 5, max: -5 } } },
      /criticSupport\.min is 5, not below algorithm\.criticSupport\.max \(-5\)/,
    ],
    [
      "raw rewards without a support",
      { algorithm: { critic: "hl-gauss", rewardScaling: "none" } },
      /criticSupport\.min is auto, which needs scaled rewards/,
    ],
    [
      "a support that cannot hold the scaled returns",
      { algorithm: { critic: "hl-gauss", criticSupport: { min: 0, max: 100 } } },
      /criticSupport\.min is 0, so the support cannot hold scaled returns/,
    ],
    [
      "a support that the entropy bonus alone overflows",
      { algorithm: { critic: "c51", initialTemperature: 1 } },
      /initialTemperature is 1, so that one nat of entropy is worth 100 over the future, more than .* \(5\)/,
    ],
    [
      "a fixed price of entropy that overflows the support",
      { algorithm: { critic: "c51", temperature: 0.2 } },
      /algorithm\.temperature is 0\.2, so that one nat of entropy is worth 20 over the future/,
    ],
    [
      "a start for a temperature that does not move",
      { algorithm: { temperature: 0.2, initialTemperature: 0.5 } },
      /initialTemperature is 0\.5, but algorithm\.temperature stays at 0\.2; leave one of them at auto/,
    ],
    [
      "exploration by the target entropy without a learned temperature",
      { algorithm: { temperature: 0.2 }, drm: { enabled: true, exploration: "entropy" } },
      /drm\.exploration is entropy, which a learned temperature follows, but algorithm\.temperature is 0\.2/,
    ],
    [
      "LAP",
      { algorithm: { critic: "two-hot" }, replay: { sampling: "lap" } },
      /replay\.sampling is lap, which belongs to the Huber loss/,
    ],
    [
      "range scaling without a discount",
      { algorithm: { gamma: 1, rewardScaling: "range" } },
      /gamma is 1, but rewardScaling range divides by 1 - gamma/,
    ],
    [
      "stablemax on a support that is not around 0",
      {
        algorithm: {
          critic: "hl-gauss",
          rewardScaling: "none",
          criticSupport: { min: 0, max: 150, probabilities: "stablemax" },
        },
      },
      /criticSupport\.probabilities is stablemax, whose first values are in the middle of the support, 75 from 0 to 150/,
    ],
    [
      "one optimiser, half of it orthogonal",
      { algorithm: { name: "ppo", orthogonalGradients: "critic" } },
      /orthogonalGradients is critic, but ppo has one optimiser/,
    ],
    [
      "a choice among actions by a critic of states",
      { algorithm: { name: "ppo" }, evaluation: { bestOf: 4 } },
      /evaluation\.bestOf is 4, but ppo's critic judges states, not actions/,
    ],
    [
      "an unknown critic",
      { algorithm: { critic: "hl-gaus" as "c51" } },
      /must be mse or hl-gauss or two-hot or c51, not "hl-gaus" \(did you mean hl-gauss\?\)/,
    ],
    [
      "blocks of two widths",
      { algorithm: { hidden: [64, 32], network: { critic: { architecture: "bro" } } } },
      /network\.critic\.width is auto, and algorithm\.hidden \(64, 32\) has several widths/,
    ],
    [
      "a norm beside those of blocks",
      { algorithm: { network: { policy: { architecture: "simba", norm: "layer" } } } },
      /network\.policy\.norm is layer, but simba has norms of its own/,
    ],
  ])("%s", (_, input, expected) => {
    expect(refusal(input)).toMatch(expected);
  });

  test("a scalar critic needs no support", () => {
    expect(() => parseConfig({ algorithm: { criticSupport: { min: 5, max: -5 } } })).not.toThrow();
  });

  test.each(["ppo", "drqv2"] as const)("%s pays for no entropy that would need room", (name) => {
    const critic = { critic: "hl-gauss", rewardScaling: "none" } as const;
    const algorithm = { name, ...critic, criticSupport: { min: -20, max: 20 } };
    expect(() => parseConfig({ algorithm })).not.toThrow();
  });

  test.each<[string, ConfigInput]>([
    ["pmoe.experts", { algorithm: { policy: "pmoe" }, pmoe: { experts: -2 } }],
    [
      "algorithm.criticSupport.atoms",
      { algorithm: { critic: "c51", criticSupport: { atoms: -3 } } },
    ],
  ])("a wrong %s is one mistake, not two", (field, input) => {
    const lines = refusal(input).split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(field);
  });

  test("prioritized replay goes with every critic", () => {
    const input: ConfigInput = {
      algorithm: { critic: "c51" },
      replay: { sampling: "prioritized" },
    };
    expect(() => parseConfig(input)).not.toThrow();
  });
});

describe("the networks of a configuration", () => {
  const networksOf = (algorithm: AlgorithmInput) => {
    const { policyNetwork, criticNetwork } = algorithmOptions(parseConfig({ algorithm }));
    return { policy: policyNetwork, critic: criticNetwork };
  };

  test("are as hidden says where nothing else is said", () => {
    const { policy, critic } = networksOf({ hidden: [64, 32] });
    expect(policy).toMatchObject({ hidden: [64, 32], architecture: "mlp", norm: "none" });
    expect(critic).toEqual(policy);
  });

  test("have width and depth of their own where they are given", () => {
    const { policy, critic } = networksOf({
      hidden: [64, 64],
      network: { critic: { width: 512, depth: 3, architecture: "simba" }, policy: { depth: 1 } },
    });
    expect(critic).toMatchObject({ hidden: [512, 512, 512], architecture: "simba" });
    expect(policy?.hidden).toEqual([64]);
  });
});
