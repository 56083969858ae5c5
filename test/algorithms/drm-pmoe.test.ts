import { expect, test } from "vitest";
import { drm } from "../../src/algorithms/drm/drm.ts";
import { drmDefaults } from "../../src/algorithms/drm/guidance.ts";
import { pmoeDefaults } from "../../src/algorithms/pmoe.ts";
import { sacDefaults } from "../../src/algorithms/sac.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { compileUpdate } from "./compiled-update.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";

// Traced and compiled once: half a second, several on a busy machine.
test("DrM drives a mixture of experts, whose gate is perturbed like every layer", {
  timeout: 20_000,
}, async () => {
  const sizes = { observationSize: 4, actionSize: 2, batchSize: 16 };
  const pmoe = { ...pmoeDefaults, experts: 3 };
  const algorithm = drm({ ...sacDefaults, hidden: [8, 8], pmoe, drm: drmDefaults }, sizes);
  await using step = await compileUpdate(algorithm, trainedParameters(algorithm, 2));
  const { batch, noise } = drawInputs(algorithm, 1);
  const { finite, metrics } = await step.step(batch, noise);
  expect(finite).toBe(true);
  expect(metrics["pmoe/gate_entropy"]).toBeGreaterThan(0);
  const actor = algorithm.groups.find(({ name }) => name === "actor");
  const gate = actor?.parameters.filter(({ name }) => name.startsWith("gate."));
  expect(gate?.map(({ isLinear }) => isLinear)).toEqual([true, true]);
  // Mixture: one column beside the action's; exploration: the action's again.
  expect(algorithm.policy.noiseSize).toBe(2 + 1 + 2);
  expect(compilePolicy(algorithm, 3).length).toBeGreaterThan(0);
});
