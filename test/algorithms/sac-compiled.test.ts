import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SacOptions, sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { compileUpdate, traceCompiled } from "./compiled-update.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";
import { loadRecordedSac } from "./recorded-sac.ts";
import { ReferenceUpdate } from "./reference-update.ts";
import { sacMutations } from "./sac-mutations.ts";
import { traceError, traceReference, type UpdateTrace } from "./update-trace.ts";

/** max|difference| / max|reference| of every leaf: losses, errors, parameters, Adam's moments. */
const TOLERANCE = 1e-4;

const sizes = { observationSize: 6, actionSize: 3, batchSize: 32 };
const options: SacOptions = { ...sacDefaults, hidden: [32, 32], initialTemperature: 0.5 };
const algorithm = sac(options, sizes);
const start = trainedParameters(algorithm, 1);

/** The compiled update's trace after each of `counts` updates. */
async function runCompiled(counts: readonly number[]): Promise<Map<number, UpdateTrace>> {
  await using step = await compileUpdate(algorithm, start);
  const traces = new Map<number, UpdateTrace>();
  for (let k = 1; k <= Math.max(...counts); k++) {
    const { batch, noise } = drawInputs(algorithm, k);
    const result = await step.step(batch, noise);
    if (counts.includes(k)) traces.set(k, traceCompiled(step, result));
  }
  return traces;
}

describe("the compiled SAC update", () => {
  let compiled = new Map<number, UpdateTrace>();
  beforeAll(async () => {
    compiled = await runCompiled([1, 50]);
  });

  // 50 updates of the plain executor, a few dozen milliseconds each.
  test("equals the plain one leaf by leaf after 1 and 50 updates", async () => {
    const reference = new ReferenceUpdate(algorithm, start);
    for (let k = 1; k <= 50; k++) {
      const { batch, noise } = drawInputs(algorithm, k);
      const results = await reference.step(batch, noise);
      const trace = compiled.get(k);
      if (trace === undefined) continue;
      const { error, where } = traceError(trace, traceReference(reference, results));
      expect(error, `${where} after ${k} updates`).toBeLessThanOrEqual(TOLERANCE);
    }
  });

  test.each(sacMutations(options, sizes))(
    "is told from one with $term times $factor",
    async (mutation) => {
      const mutant = new ReferenceUpdate(mutation.algorithm, start);
      const { batch, noise } = drawInputs(algorithm, 1);
      const results = await mutant.step(batch, noise);
      const { error } = traceError(compiled.get(1)!, traceReference(mutant, results));
      expect(error).toBeGreaterThan(1000 * TOLERANCE);
    },
  );
});

describe("the compiled SAC update, beside two updates recorded from JAX", () => {
  // float32 against float64.
  const tolerance = 1e-5;
  const { algorithm: recordedAlgorithm, before, updates, ...recorded } = loadRecordedSac();
  const traces: UpdateTrace[] = [];
  let release = async (): Promise<void> => {};
  beforeAll(async () => {
    const step = await compileUpdate(recordedAlgorithm, before);
    release = () => step[Symbol.asyncDispose]();
    for (const { batch, noise } of updates) {
      traces.push(traceCompiled(step, await step.step(batch, noise)));
    }
  });
  afterAll(() => release());

  test.each([0, 1])("has the losses and errors of update %i", (k) => {
    const { losses, tdErrors } = updates[k]!;
    const trace = traces[k]!;
    const expected = {
      ...trace,
      metrics: {
        "train/critic_loss": losses.critic,
        "train/actor_loss": losses.actor,
        "train/ent_coef_loss": losses.temperature,
      },
      perSample: { priorities: tdErrors },
    };
    const { error, where } = traceError(trace, expected);
    expect(error, where).toBeLessThanOrEqual(tolerance);
  });

  test("has the gradients of the first", () => {
    const first = Object.fromEntries(
      Object.entries(updates[0]!.gradients).map(([group, tensors]) => [
        group,
        Object.fromEntries(
          Object.entries(tensors).map(([name, g]) => [name, g.map((x) => (1 - 0.9) * x)]),
        ),
      ]),
    );
    const { error, where } = traceError(traces[0]!, { ...traces[0]!, first });
    expect(error, where).toBeLessThanOrEqual(tolerance);
  });

  test("moves parameters, targets and moments to the same place", () => {
    const { after: parameters, first, second } = recorded;
    const { error, where } = traceError(traces[1]!, { ...traces[1]!, parameters, first, second });
    expect(error, where).toBeLessThanOrEqual(tolerance);
  });
});

describe("variants of SAC, compiled", () => {
  const normed = { norm: "layer", activation: "gelu", initialisation: "orthogonal" } as const;
  const variants: [string, SacOptions][] = [
    ["a fixed temperature", { ...options, temperature: 0.3 }],
    [
      "tanh, huber, clamped log std, gradient through log alpha",
      {
        ...options,
        activation: "tanh",
        criticLoss: "huber",
        logStdBound: "clamp",
        temperatureLoss: "logAlpha",
      },
    ],
    ...(["hl-gauss", "two-hot", "c51"] as const).flatMap((critic): [string, SacOptions][] =>
      (["min", "mean"] as const).map((twin) => [
        `${critic}, the ${twin} of two`,
        { ...options, critic, twin, support: { ...options.support, atoms: 11 } },
      ]),
    ),
    ["layer norm, gelu, orthogonal", { ...options, policyNetwork: normed, criticNetwork: normed }],
    [
      "c51 by stablemax, with gradients orthogonal to all weights",
      {
        ...options,
        critic: "c51",
        support: { ...options.support, atoms: 11 },
        probabilities: "stablemax",
        orthogonalGradients: "all",
      },
    ],
    [
      "critics of bounded spectral norm",
      { ...options, criticNetwork: { spectralNorm: 0.9, norm: "layer" } },
    ],
    [
      "robust critics by hl-gauss",
      {
        ...options,
        critic: "hl-gauss",
        support: { ...options.support, atoms: 11 },
        robust: { weight: 0.5, radius: 0.05 },
      },
    ],
    [
      "blocks: bro in the critics, simba in the policy",
      {
        ...options,
        criticNetwork: { architecture: "bro", hidden: [16] },
        policyNetwork: { architecture: "simba", activation: "silu", hidden: [16] },
      },
    ],
  ];
  // Each is traced and compiled twice: half a second, several on a busy machine.
  const timeout = { timeout: 20_000 };
  test.each(variants)("equal the plain ones: %s", timeout, async (_, variant) => {
    const other = sac(variant, sizes);
    const parameters = trainedParameters(other, 2);
    await using step = await compileUpdate(other, parameters);
    const reference = new ReferenceUpdate(other, parameters);
    for (let k = 1; k <= 3; k++) {
      const { batch, noise } = drawInputs(other, k);
      const trace = traceCompiled(step, await step.step(batch, noise));
      const results = await reference.step(batch, noise);
      const { error, where } = traceError(trace, traceReference(reference, results));
      expect(error, `${where} after ${k} updates`).toBeLessThanOrEqual(TOLERANCE);
    }
  });
});
