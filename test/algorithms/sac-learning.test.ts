import { describe, expect, test } from "vitest";
import { type SacOptions, sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { fromArray, read } from "../../src/compile/ops.ts";
import { TrainStep } from "../../src/compile/train-step.ts";
import { RandomStream } from "../../src/math/random.ts";
import { summarise } from "../../src/math/summary.ts";

const sizes = { observationSize: 1, actionSize: 1, batchSize: 64 };

/**
 * Episodes of one step from s, uniform in [-1, 1]: reward -(a - s/2)^2, and that is the end.
 * The best action is s/2, and exp(Q / alpha) the best policy around it.
 */
async function learnOneStepTask(options: SacOptions, updates: number) {
  const algorithm = sac(options, sizes);
  await using step = await TrainStep.create(algorithm, {
    random: RandomStream.derive(1, "parameters"),
  });
  const random = RandomStream.derive(1, "task");
  const [batch, noise] = [step.createBatch(), step.createNoise()];
  const { observations, actions, returns } = batch as Record<string, Float32Array>;
  batch["importanceWeights"]!.fill(1);
  const entropies: number[] = [];
  const temperatures: number[] = [];
  for (let k = 0; k < updates; k++) {
    for (let i = 0; i < sizes.batchSize; i++) {
      observations![i] = random.uniformBetween(-1, 1);
      actions![i] = random.uniformBetween(-1, 1);
      returns![i] = -((actions![i]! - observations![i]! / 2) ** 2);
    }
    for (const buffer of Object.values(noise)) random.fillNormal(buffer);
    const { finite, metrics } = await step.step(batch, noise);
    expect(finite).toBe(true);
    if (k < updates / 2) continue;
    entropies.push(metrics["train/entropy"]!);
    temperatures.push(metrics["train/ent_coef"]!);
  }
  const values = step.parameters("actor");
  const parameters = Object.fromEntries(
    step.layout("actor").map(({ name, shape, offset }) => {
      const size = shape.reduce((product, axis) => product * axis, 1);
      return [name, fromArray(values.slice(offset, offset + size), shape)];
    }),
  );
  const states = Float32Array.of(-0.8, -0.3, 0, 0.4, 0.9);
  const mode = await read(algorithm.policy.mode(parameters, fromArray(states, [5, 1])));
  return {
    entropy: summarise(entropies).mean,
    temperature: summarise(temperatures).mean,
    errors: mode.map((a, i) => a - states[i]! / 2),
  };
}

describe("SAC", () => {
  const options: SacOptions = {
    ...sacDefaults,
    hidden: [16, 16],
    learningRates: { actor: 5e-3, critic: 5e-3, temperature: 1e-2 },
    initialTemperature: 0.2,
    targetEntropy: -0.5,
    temperatureLoss: "logAlpha",
  };

  // Tolerances are twice the largest deviation seen over six seeds. A thousand updates take about a
  // second, and several on a busy machine.
  test("finds the known solution of a one-step task", { timeout: 20_000 }, async () => {
    const { entropy, temperature, errors } = await learnOneStepTask(options, 1000);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.1);
    expect(Math.abs(entropy + 0.5)).toBeLessThan(0.02);
    // exp(Q / alpha) is a normal with variance alpha / 2, and the entropy of that is -0.5 at:
    const exact = (2 * Math.exp(2 * -0.5)) / (2 * Math.PI * Math.E);
    expect(Math.abs(temperature - exact)).toBeLessThan(0.012);
  });
});
