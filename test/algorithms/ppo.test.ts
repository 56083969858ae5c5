import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { initialParameters } from "../../src/algorithms/networks.ts";
import { type PpoOptions, ppo, ppoDefaults } from "../../src/algorithms/ppo.ts";
import { fromArray, read } from "../../src/compile/ops.ts";
import { standardise } from "../../src/learner/on-policy/minibatches.ts";
import { relativeError } from "./closeness.ts";
import { compileUpdate, traceCompiled } from "./compiled-update.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";
import { ReferenceUpdate } from "./reference-update.ts";
import { traceError, traceReference } from "./update-trace.ts";

interface Recording {
  readonly sizes: Readonly<Record<"observation" | "action" | "hidden" | "batch", number>>;
  readonly options: Pick<
    PpoOptions,
    "clipRatio" | "valueCoefficient" | "entropyCoefficient" | "maxGradNorm" | "learningRate"
  >;
  readonly before: Readonly<Record<string, readonly number[]>>;
  readonly updates: readonly {
    readonly batch: Readonly<Record<string, readonly number[]>>;
    readonly rawAdvantages: readonly number[];
    readonly metrics: Readonly<Record<string, number>>;
    readonly gradNorm: number;
    readonly gradients: Readonly<Record<string, readonly number[]>>;
    readonly after: Readonly<Record<string, readonly number[]>>;
  }[];
}

/** Two updates in PyTorch, float64, written as CleanRL's ppo_continuous_action.py does. */
const recording = JSON.parse(
  readFileSync(new URL("../fixtures/algorithms/ppo-torch.json", import.meta.url), "utf8"),
) as Recording;

const floats = (columns: Readonly<Record<string, readonly number[]>>) =>
  Object.fromEntries(Object.entries(columns).map(([k, v]) => [k, Float32Array.from(v)]));

describe("PPO, beside two updates recorded from PyTorch", () => {
  const { sizes, options, before, updates } = recording;
  const algorithm = ppo(
    { ...ppoDefaults, ...options, hidden: [sizes.hidden, sizes.hidden] },
    { observationSize: sizes.observation, actionSize: sizes.action, batchSize: sizes.batch },
  );

  test("has its losses, gradient norms, clipped gradients and parameters", async () => {
    await using step = await compileUpdate(algorithm, { agent: floats(before) });
    // Otherwise clipping would not be tested.
    expect(updates[0]?.gradNorm).toBeGreaterThan(options.maxGradNorm);
    for (const [k, update] of updates.entries()) {
      const advantages = Float32Array.from(update.rawAdvantages);
      standardise(advantages);
      const result = await step.step({ ...floats(update.batch), advantages }, {});
      for (const [key, value] of Object.entries(update.metrics)) {
        expect(result.metrics[key], `${key} of update ${k}`).toBeCloseTo(value, 5);
      }
      expect(result.gradNorm).toBeCloseTo(update.gradNorm, 4);
      const trace = traceCompiled(step, result);
      for (const [name, expected] of Object.entries(update.after)) {
        const moved = trace.parameters["agent"]?.[name] ?? [];
        expect(relativeError(moved, expected), name).toBeLessThan(1e-6);
      }
      if (k > 0) continue;
      // The first moment after one update is the gradient times 1 - beta1, and what Adam was given.
      const scale = Math.min(1, options.maxGradNorm / update.gradNorm) * (1 - 0.9);
      for (const [name, gradient] of Object.entries(update.gradients)) {
        const first = trace.first["agent"]?.[name] ?? [];
        const expected = gradient.map((g) => g * scale);
        expect(relativeError(first, expected), `gradient of ${name}`).toBeLessThan(2e-5);
      }
    }
  });
});

describe("the compiled PPO update", () => {
  const sizes = { observationSize: 5, actionSize: 3, batchSize: 16 };
  const base: PpoOptions = { ...ppoDefaults, hidden: [8, 8], entropyCoefficient: 0.01 };
  const support = { ...base.support, atoms: 11 };
  const variants: [string, PpoOptions][] = [
    ["as it is by default", base],
    ["without value clipping or a bound on gradients", { ...base, valueClip: 0, maxGradNorm: 1e9 }],
    ["with hl-gauss values", { ...base, critic: "hl-gauss", support }],
    ["with two-hot values", { ...base, critic: "two-hot", support }],
    ["with c51 values", { ...base, critic: "c51", support }],
    ["with values by stablemax", { ...base, critic: "c51", support, probabilities: "stablemax" }],
    ["with gradients orthogonal to the weights", { ...base, orthogonalGradients: "all" }],
    ["with a critic of bounded spectral norm", { ...base, criticNetwork: { spectralNorm: 0.9 } }],
    ["with a robust critic", { ...base, robust: { weight: 0.5, radius: 0.05 } }],
  ];
  test.each(variants)("equals jax-js leaf by leaf, %s", { timeout: 30_000 }, async (_, options) => {
    const algorithm = ppo(options, sizes);
    const start = trainedParameters(algorithm, 3);
    await using step = await compileUpdate(algorithm, start);
    const reference = new ReferenceUpdate(algorithm, start);
    for (let k = 1; k <= 5; k++) {
      const { batch, noise } = drawInputs(algorithm, k);
      // Densities around those of the policy: ratios on both sides of the clip.
      const columns = { ...batch, logProbs: batch["logProbs"]!.map((x) => 0.3 * x - 5) };
      const result = await step.step(columns, noise);
      const results = await reference.step(columns, noise);
      if (k !== 1 && k !== 5) continue;
      const expected = traceReference(reference, results);
      const { error, where } = traceError(traceCompiled(step, result), expected);
      expect(error, `${where} after ${k} updates`).toBeLessThan(1e-4);
    }
  });

  test("scales every step with the learning rate it is given", async () => {
    const algorithm = ppo(base, sizes);
    const start = trainedParameters(algorithm, 3);
    const { batch, noise } = drawInputs(algorithm, 1);
    const moves: number[] = [];
    for (const rate of [1, 0.25, 0]) {
      await using step = await compileUpdate(algorithm, start);
      const before = step.parameters("agent").slice();
      await step.step(batch, noise, rate);
      moves.push(Math.max(...step.parameters("agent").map((x, i) => Math.abs(x - before[i]!))));
    }
    expect(moves[1]! / moves[0]!).toBeCloseTo(0.25, 3);
    expect(moves[2]).toBe(0);
  });
});

test("PPO's metrics of the ratio are those of its definition", async () => {
  const sizes = { observationSize: 4, actionSize: 2, batchSize: 5 };
  const algorithm = ppo({ ...ppoDefaults, hidden: [8] }, sizes);
  const start = trainedParameters(algorithm, 3);
  const { batch, noise } = drawInputs(algorithm, 1);
  const tensors = Object.fromEntries(
    algorithm.groups[0]!.parameters.map(({ name, shape }) => [
      name,
      fromArray(start["agent"]![name]!, shape),
    ]),
  );
  const { logProbs } = algorithm.policy.onPolicy!.judge(
    tensors,
    fromArray(batch["observations"]!, [5, 4]),
    fromArray(batch["actions"]!, [5, 2]),
  );
  const now = await read(logProbs);
  const ratios = [1, 1.1, 0.5, 2, 0.9];
  const recorded = Float32Array.from(ratios, (ratio, i) => now[i]! - Math.log(ratio));
  await using step = await compileUpdate(algorithm, start);
  const { metrics } = await step.step({ ...batch, logProbs: recorded }, noise);
  const sum = (values: readonly number[]) => values.reduce((total, x) => total + x, 0);
  const squares = sum(ratios.map((r) => r * r));
  expect(metrics["train/effective_sample_size"]).toBeCloseTo(sum(ratios) ** 2 / (5 * squares), 5);
  expect(metrics["train/clip_fraction"]).toBeCloseTo(2 / 5, 6);
  const divergence = sum(ratios.map((r) => r - 1 - Math.log(r))) / 5;
  expect(metrics["train/approx_kl"]).toBeCloseTo(divergence, 5);
});

describe("PPO's policy", () => {
  const sizes = { observationSize: 4, actionSize: 2, batchSize: 8 };
  const { policy, groups } = ppo(ppoDefaults, sizes);
  const tensors = (values: ParameterValues) =>
    Object.fromEntries(
      groups[0]!.parameters.map(({ name, shape }) => [
        name,
        fromArray(values["agent"]![name]!, shape),
      ]),
    );
  const observations = () =>
    fromArray(
      Float32Array.from({ length: 12 }, (_, i) => i / 5),
      [3, 4],
    );

  test("records of each action what it says about it afterwards", async () => {
    const values = trainedParameters(ppo(ppoDefaults, sizes), 1);
    const noise = Float32Array.from([0.5, -1.2, 3, 0.1, 0, -2.5]);
    const acted = policy.onPolicy!.act(tensors(values), observations(), fromArray(noise, [3, 2]));
    const actions = (await read(acted.actions)) as Float32Array;
    const judged = policy.onPolicy!.judge(
      tensors(values),
      observations(),
      fromArray(actions, [3, 2]),
    );
    const acts = await read(acted.logProbs);
    const again = await read(judged.logProbs);
    const logStd = values["agent"]!["policy.logStd"]!;
    for (let row = 0; row < 3; row++) {
      expect(again[row]).toBeCloseTo(acts[row]!, 4);
      let density = 0;
      for (const k of [0, 1]) {
        density += -0.5 * noise[2 * row + k]! ** 2 - logStd[k]! - 0.5 * Math.log(2 * Math.PI);
      }
      expect(acts[row]).toBeCloseTo(density, 5);
    }
    // Neither squashed nor clipped: three deviations from a mean around 0 are outside of the bounds.
    expect(Math.max(...actions.map(Math.abs))).toBeGreaterThan(1);
  });

  test("starts with actions of deviation 1 around 0, in every state", async () => {
    const values = initialParameters(ppo(ppoDefaults, sizes), 1);
    const mode = await read(policy.mode(tensors(values), observations()));
    for (const action of mode) expect(Math.abs(action)).toBeLessThan(0.05);
    expect([...values["agent"]!["policy.logStd"]!]).toEqual([0, 0]);
  });

  test("gives modes inside the bounds, wherever the mean is", async () => {
    const values = initialParameters(ppo(ppoDefaults, sizes), 1);
    values["agent"]!["policy.output.bias"]!.set([5, -5]);
    const mode = await read(policy.mode(tensors(values), observations()));
    expect([...mode]).toEqual([1, -1, 1, -1, 1, -1]);
  });
});
