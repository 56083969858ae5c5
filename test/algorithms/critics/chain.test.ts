import { describe, expect, test } from "vitest";
import type { Algorithm, LossInputs } from "../../../src/algorithms/algorithm.ts";
import { type CriticName, criticHead } from "../../../src/algorithms/critics/registry.ts";
import { network } from "../../../src/algorithms/networks.ts";
import { sacDefaults } from "../../../src/algorithms/sac.ts";
import { twinRules } from "../../../src/algorithms/twin-critic.ts";
import { mean, mul, type Tensor } from "../../../src/compile/ops.ts";
import { TrainStep } from "../../../src/compile/train-step.ts";
import { RandomStream } from "../../../src/math/random.ts";

/**
 * Two states that follow each other for ever, reward 1 out of the first and 0.5 out of the second:
 * V_0 = 1 + 0.9 V_1 and V_1 = 0.5 + 0.9 V_0.
 */
const GAMMA = 0.9;
const REWARDS = [1, 0.5] as const;
const VALUE_0 = (REWARDS[0] + GAMMA * REWARDS[1]) / (1 - GAMMA ** 2);
const VALUES = [VALUE_0, REWARDS[1] + GAMMA * VALUE_0];

/** Evaluates the chain with one table of outputs per state and its slow copy. */
function chain(critic: CriticName, bound: number): Algorithm {
  const support = { atoms: 41, min: -bound, max: bound, locations: "atoms" } as const;
  const head = criticHead(critic, { ...sacDefaults, support });
  const table = network(
    { prefix: "", inputSize: 2, outputSize: head.outputs },
    { hidden: [], activation: "relu", initialisation: "orthogonal" },
  );
  const optimizer = { learningRate: 0.02, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  return {
    name: "chain",
    groups: [
      { name: "critic", parameters: table.parameters, optimizer },
      { name: "slow", parameters: table.parameters },
    ],
    stages: [
      {
        name: "critic",
        groups: ["critic"],
        loss({ parameters, batch }: LossInputs) {
          const column = (name: string): Tensor => batch[name] as Tensor;
          const next = table.forward(parameters["slow"]!, column("next"));
          const target = head.backUp(
            {
              returns: column("returns"),
              discounts: column("discounts"),
              entropyCost: mul(column("returns"), 0),
              next: [next, next],
            },
            twinRules.min,
          );
          const outputs = table.forward(parameters["critic"]!, column("states"));
          return {
            loss: mean(target.compare(outputs).loss),
            metrics: target.metrics ?? {},
            perSample: { values: head.value(outputs) },
          };
        },
      },
    ],
    targets: [{ target: "slow", source: "critic", tau: 0.05 }],
    batch: [
      { name: "states", shape: [2, 2] },
      { name: "next", shape: [2, 2] },
      { name: "returns", shape: [2] },
      { name: "discounts", shape: [2] },
    ],
    noise: [],
  } as unknown as Algorithm;
}

async function evaluate(critic: CriticName, bound: number) {
  await using step = await TrainStep.create(chain(critic, bound), {
    random: RandomStream.derive(1, "parameters"),
  });
  const batch = {
    states: Float32Array.of(1, 0, 0, 1),
    next: Float32Array.of(0, 1, 1, 0),
    returns: Float32Array.from(REWARDS),
    discounts: Float32Array.of(GAMMA, GAMMA),
  };
  for (let k = 0; k < 2500; k++) await step.step(batch, {});
  const { metrics, perSample } = await step.step(batch, {});
  return { metrics: { ...metrics }, values: [...perSample["values"]!] };
}

// Some thousand updates of a graph of a few dozen nodes: a second, several on a busy machine.
const TIMEOUT = { timeout: 20_000 };
const categorical = ["hl-gauss", "two-hot", "c51"] as const;

describe("the values of a chain", () => {
  test.each(["mse", ...categorical] as const)(
    "are found by %s where its support holds them",
    TIMEOUT,
    async (critic) => {
      const { metrics, values } = await evaluate(critic, 10);
      for (const [i, value] of VALUES.entries()) {
        expect(Math.abs(values[i]! - value), `state ${i}: ${values[i]}`).toBeLessThan(0.1);
      }
      expect(metrics["train/support_saturation"] ?? 0).toBe(0);
    },
  );

  test.each(categorical)(
    "are cut off by %s, and reported as such, where it does not",
    TIMEOUT,
    async (critic) => {
      const { metrics, values } = await evaluate(critic, 5);
      expect(Math.max(...values)).toBeLessThanOrEqual(5);
      expect(metrics["train/support_saturation"]).toBe(1);
      expect(metrics["train/support_edge_mass"]).toBeGreaterThan(0.1);
    },
  );
});
