import { defaultDevice, init } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import { gaussianMixture } from "../../src/algorithms/gaussian-mixture.ts";
import { initialParameters } from "../../src/algorithms/networks.ts";
import { type PmoeOptions, pmoeDefaults } from "../../src/algorithms/pmoe.ts";
import { type PpoOptions, ppo, ppoDefaults } from "../../src/algorithms/ppo.ts";
import { fromArray, read, zeros } from "../../src/compile/ops.ts";
import { compileStage } from "../../src/compile/stage-program.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { gaugeOfLogKey } from "../../src/metrics/definitions.ts";
import { compileUpdate, traceCompiled } from "./compiled-update.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";
import { ReferenceUpdate } from "./reference-update.ts";
import { traceError, traceReference } from "./update-trace.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const sizes = { observationSize: 4, actionSize: 2, batchSize: 32 };
const base: PpoOptions = { ...ppoDefaults, hidden: [8, 8], entropyCoefficient: 0.01 };
const withExperts = (options: Partial<PmoeOptions> = {}) =>
  ppo({ ...base, pmoe: { ...pmoeDefaults, experts: 3, ...options } }, sizes);

test("a mixture of one is plain PPO, bit for bit", () => {
  const [plain, one] = [ppo(base, sizes), withExperts({ experts: 1 })];
  expect(one.noise).toEqual([]);
  expect(initialParameters(one, 3)).toEqual(initialParameters(plain, 3));
  expect(compileStage(one, one.stages[0]!)).toEqual(compileStage(plain, plain.stages[0]!));
  expect(compilePolicy(one, 4)).toEqual(compilePolicy(plain, 4));
});

describe("PPO's mixture", () => {
  const head = gaussianMixture(1, 2, { ...base, ...pmoeDefaults, experts: 2 });
  const gate = [0.7, 0.3];
  const means = [0.1, -0.4, 1, 0.5];
  const logStds = [-0.5, 0.2, -1, -0.3];
  const given: Record<string, number[]> = {
    "policy.output.bias": means,
    "policy.logStd": logStds,
    "policy.gate.bias": gate.map(Math.log),
  };
  /** Nothing depends on the observation. */
  const parameters = () =>
    Object.fromEntries(
      head.parameters.map(({ name, shape }) => [
        name,
        given[name] ? fromArray(Float32Array.from(given[name]), shape) : zeros(shape),
      ]),
    );

  test("has the density of the published example, and acts by its gate", async () => {
    const distribution = head.distribution(parameters(), zeros([2, 1]));
    const actions = fromArray(Float32Array.of(0.5, -1.2, 0.5, -1.2), [2, 2]);
    const densities = await read(distribution.logProbabilities(actions));
    expect(densities).toHaveLength(2);
    for (const density of densities) expect(density).toBeCloseTo(-2.27658, 5);
    // The last column draws the expert: its probability is 0.84 at 1 and 0.5 at 0.
    const noise = fromArray(Float32Array.of(1, -2, 0, 1, -2, 1), [2, 3]);
    const drawn = await read(distribution.sample(noise));
    const expected = [0, 1, 2, 3].map((i) => means[i]! + [1, -2][i % 2]! * Math.exp(logStds[i]!));
    for (const [i, x] of drawn.entries()) expect(x).toBeCloseTo(expected[i]!, 5);
    expect([...(await read(distribution.mode()))]).toEqual([0.1, -0.4, 0.1, -0.4].map(Math.fround));
  });

  test("bounds the entropy from above", async () => {
    const distribution = head.distribution(parameters(), zeros([1, 1]));
    const [entropy = 0] = await read(distribution.entropy());
    const each = [0, 1].map(
      (k) => logStds[2 * k]! + logStds[2 * k + 1]! + Math.log(2 * Math.PI * Math.E),
    );
    const joint = gate.reduce((sum, w, k) => sum + w * (each[k]! - Math.log(w)), 0);
    expect(entropy).toBeCloseTo(joint, 5);
  });
});

test("the critic behind the gate learns returns alone, and the gate's loss moves nothing but the gate", async () => {
  const gradientsWith = async (gateWeight: number) => {
    const algorithm = withExperts({ gateWeight });
    const reference = new ReferenceUpdate(algorithm, trainedParameters(algorithm, 4));
    const { batch, noise } = drawInputs(algorithm, 1);
    const { gradients } = await reference.evaluate(algorithm.stages[0]!, batch, noise);
    return gradients["agent"]!;
  };
  const [none, strong] = [await gradientsWith(0), await gradientsWith(50)];
  for (const [name, gradient] of Object.entries(none)) {
    if (name.startsWith("policy.gate.")) expect(strong[name]).not.toEqual(gradient);
    else expect(strong[name], name).toEqual(gradient);
  }
  expect(none["gateCritic.output.weight"]!.some((g) => g !== 0)).toBe(true);
});

describe("PPO's mixture, compiled", () => {
  const variants: [string, Partial<PmoeOptions>][] = [
    ["as in the authors' script", { gateInput: "observations" }],
    ["by enumeration, two of three act", { gateLoss: "enumerate", topK: 2, minProbability: 0.05 }],
  ];
  // Each is traced and compiled twice: a second, several on a busy machine.
  test.each(variants)("equals the plain one: %s", { timeout: 20_000 }, async (_, options) => {
    const algorithm = withExperts(options);
    const parameters = trainedParameters(algorithm, 2);
    await using step = await compileUpdate(algorithm, parameters);
    const reference = new ReferenceUpdate(algorithm, parameters);
    const { batch, noise } = drawInputs(algorithm, 1);
    const result = await step.step(batch, noise);
    for (const key of Object.keys(result.metrics)) expect(gaugeOfLogKey(key), key).toBeDefined();
    const trace = { ...traceCompiled(step, result), first: {}, second: {}, parameters: {} };
    const plain = traceReference(reference, await reference.step(batch, noise));
    const { error, where } = traceError(trace, { ...plain, first: {}, second: {}, parameters: {} });
    expect(error, where).toBeLessThanOrEqual(5e-4);
  });
});
