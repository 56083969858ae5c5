import { defaultDevice, init } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import { initialParameters } from "../../src/algorithms/networks.ts";
import { type PmoeOptions, pmoe, pmoeDefaults } from "../../src/algorithms/pmoe.ts";
import { type SacOptions, sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { neg, reshape, scalar, square, sub, zeros } from "../../src/compile/ops.ts";
import { compileStage } from "../../src/compile/stage-program.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { gaugeOfLogKey } from "../../src/metrics/definitions.ts";
import { learnBimodalBandit } from "./bimodal-bandit.ts";
import { compileUpdate, traceCompiled } from "./compiled-update.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";
import { ReferenceUpdate } from "./reference-update.ts";
import { numbers, tensor } from "./tensors.ts";
import { traceError, traceReference } from "./update-trace.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const sizes = { observationSize: 5, actionSize: 2, batchSize: 64 };
const base: SacOptions = { ...sacDefaults, hidden: [16, 16], initialTemperature: 0.3 };
const withExperts = (options: Partial<PmoeOptions> = {}): Algorithm =>
  sac({ ...base, pmoe: { ...pmoeDefaults, experts: 3, ...options } }, sizes);

describe("a mixture of one", () => {
  test("is plain SAC, bit for bit", () => {
    const [plain, one] = [sac(base, sizes), withExperts({ experts: 1 })];
    expect(one.noise).toEqual(plain.noise);
    expect(initialParameters(one, 3)).toEqual(initialParameters(plain, 3));
    for (const [k, stage] of plain.stages.entries()) {
      expect(compileStage(one, one.stages[k]!)).toEqual(compileStage(plain, stage));
    }
    expect(compilePolicy(one, 4)).toEqual(compilePolicy(plain, 4));
  });
});

describe("a mixture of two in one state, worked out by hand", () => {
  const [means, logStds, weights] = [
    [0.2, -0.6],
    [-0.5, -1],
    [0.7, 0.3],
  ] as const;
  const scores = [0.4, -1.1];
  const temperature = 0.5;
  const value = (a: number) => -((a - 0.3) ** 2);
  const sigma = (k: number) => Math.exp(logStds[k]!);
  const normal = (z: number, k: number) => -0.5 * z * z - logStds[k]! - 0.5 * Math.log(2 * Math.PI);
  const squash = (u: number) => Math.log(1 - Math.tanh(u) ** 2);
  const draws = scores.map((z, k) => means[k]! + sigma(k) * z);
  /** log pi_k of expert k's own draw. */
  const own = draws.map((u, k) => normal(scores[k]!, k) - squash(u));
  const mixed = (u: number) =>
    Math.log(
      weights[0] * Math.exp(normal((u - means[0]) / sigma(0), 0)) +
        weights[1] * Math.exp(normal((u - means[1]) / sigma(1), 1)),
    ) - squash(u);
  const values = draws.map((u) => value(Math.tanh(u)));
  const best = values[0]! >= values[1]! ? 0 : 1;
  const gate = weights.reduce((total, w, k) => total + (w - (k === best ? 1 : 0)) ** 2, 0);

  const open = (options: Partial<PmoeOptions>) => {
    const bounds = { logStdMin: -20, logStdMax: 2, logStdBound: "clamp" } as const;
    const policy = pmoe(
      { observationSize: 1, actionSize: 1 },
      { ...base, ...bounds, hidden: [], ...pmoeDefaults, experts: 2, ...options },
    );
    const biases: Record<string, readonly number[]> = {
      "output.bias": [...means, ...logStds],
      "gate.bias": weights.map(Math.log),
    };
    // Weights are 0: nothing depends on the state.
    const parameters = Object.fromEntries(
      policy.parameters.map(({ name, shape }) => [
        name,
        biases[name] ? tensor(shape, ...biases[name]) : zeros(shape),
      ]),
    );
    return { policy, parameters };
  };

  /** alpha log pi - Q of expert k's draw. */
  const cost = (k: number, entropy: PmoeOptions["entropy"]) =>
    temperature * (entropy === "expert" ? own[k]! : mixed(draws[k]!)) - values[k]!;

  test.each([
    ["max", "expert"],
    ["max", "mixture"],
    ["all", "expert"],
    ["all", "mixture"],
  ] as const)("has its loss and log-probability: %s, %s", async (expertGradient, entropy) => {
    const { policy, parameters } = open({ expertGradient, entropy });
    const improvement = policy.improve({
      parameters,
      observations: zeros([1, 1]),
      noise: tensor([1, 2], ...scores),
      temperature: scalar(temperature),
      value: (_states, actions) => {
        const a = reshape(actions, [actions.shape[0] ?? 1]);
        return neg(square(sub(a, 0.3)));
      },
    });
    const learning = expertGradient === "max" ? [best] : [0, 1];
    const expected = learning.reduce((total, k) => total + cost(k, entropy), gate);
    expect((await numbers(improvement.loss))[0]).toBeCloseTo(expected, 5);
    const averaged = draws.reduce((total, u, k) => total + weights[k]! * mixed(u), 0);
    const logProbability = entropy === "expert" ? own[best]! : averaged;
    expect((await numbers(improvement.logProbability))[0]).toBeCloseTo(logProbability, 5);
  });

  // The second column draws the expert: its probability is 0.5 at 0 and 0.84 at 1.
  test.each([
    ["expert", 0, 0],
    ["expert", 1, 1],
    ["mixture", 1, 1],
  ] as const)("acts, and pays for, by %s: %d draws expert %d", async (entropy, z, k) => {
    const { policy, parameters } = open({ entropy });
    const { actions, logProbabilities } = policy.sample(
      parameters,
      zeros([1, 1]),
      tensor([1, 2], scores[k]!, z),
    );
    expect((await numbers(actions))[0]).toBeCloseTo(Math.tanh(draws[k]!), 5);
    const expected = entropy === "expert" ? own[k]! : mixed(draws[k]!);
    expect((await numbers(logProbabilities))[0]).toBeCloseTo(expected, 5);
    const [mode] = await numbers(policy.mode(parameters, zeros([1, 1])));
    expect(mode).toBeCloseTo(Math.tanh(means[0]), 6);
  });
});

describe("the gradient of a mixture", () => {
  /** Gradients of the actor's loss alone, with and without the gate's, at the same place. */
  async function actorGradients(options: Partial<PmoeOptions>, batchSize = 1) {
    const small = { ...sizes, batchSize };
    const algorithm = sac({ ...base, pmoe: { ...pmoeDefaults, experts: 3, ...options } }, small);
    const reference = new ReferenceUpdate(algorithm, trainedParameters(algorithm, 4));
    const { batch, noise } = drawInputs(algorithm, 1);
    const { gradients, metrics } = await reference.evaluate(algorithm.stages[1]!, batch, noise);
    return { gradients: gradients["actor"]!, metrics };
  }

  test.each(["expert", "mixture"] as const)(
    "leaves the heads of experts alone that are not the best: %s entropy",
    async (entropy) => {
      const { gradients, metrics } = await actorGradients({ entropy });
      const bias = gradients["output.bias"]!;
      const size = sizes.actionSize;
      for (let k = 0; k < 3; k++) {
        const own = [0, 3 * size].flatMap((start) => [
          ...bias.slice(start + k * size, start + (k + 1) * size),
        ]);
        if (metrics[`pmoe/best_${k}`] === 1)
          expect(Math.max(...own.map(Math.abs))).toBeGreaterThan(0);
        else expect(own.every((g) => g === 0)).toBe(true);
      }
    },
  );

  test("reaches every head where all experts learn", async () => {
    const { gradients } = await actorGradients({ expertGradient: "all" });
    for (const g of gradients["output.bias"]!) expect(g).not.toBe(0);
  });

  test.each(["frequency", "enumerate", "gumbel", "score"] as const)(
    "of the gate stays out of the trunk: %s",
    async (gateLoss) => {
      const [none, strong] = await Promise.all([
        actorGradients({ gateLoss, gateWeight: 0 }, 16),
        actorGradients({ gateLoss, gateWeight: 100 }, 16),
      ]);
      expect(strong.gradients["gate.weight"]!.some((g) => g !== 0)).toBe(true);
      expect(none.gradients["gate.weight"]!.every((g) => g === 0)).toBe(true);
      for (const name of ["hidden0.weight", "hidden1.bias", "output.weight"]) {
        expect(strong.gradients[name]).toEqual(none.gradients[name]);
      }
    },
  );
});

describe("PMOE, compiled", () => {
  // Gates learn from differences of values that are nearly equal, so more digits are lost than in SAC.
  const TOLERANCE = 5e-4;
  const variants: [string, Partial<PmoeOptions>, Partial<SacOptions>?][] = [
    ["as in the paper", {}],
    [
      "all experts learn, the gate by enumeration",
      { expertGradient: "all", gateLoss: "enumerate" },
    ],
    ["gumbel, a gate of its own input", { gateLoss: "gumbel", gateInput: "observations" }],
    ["score, two of three act", { gateLoss: "score", topK: 2, minProbability: 0.05 }],
    ["the mixture's entropy", { entropy: "mixture" }],
    [
      "the same, all learn, with c51 and blocks",
      { entropy: "mixture", expertGradient: "all" },
      {
        critic: "c51",
        support: { ...base.support, atoms: 11 },
        policyNetwork: { architecture: "simba", hidden: [16] },
      },
    ],
  ];
  // Each is traced and compiled twice: a second, several on a busy machine.
  test.each(variants)("equals the plain one: %s", { timeout: 20_000 }, async (_, options, rest) => {
    const algorithm = sac(
      { ...base, ...rest, pmoe: { ...pmoeDefaults, experts: 3, ...options } },
      sizes,
    );
    const parameters = trainedParameters(algorithm, 2);
    await using step = await compileUpdate(algorithm, parameters);
    const reference = new ReferenceUpdate(algorithm, parameters);
    for (let k = 1; k <= 3; k++) {
      const { batch, noise } = drawInputs(algorithm, k);
      const result = await step.step(batch, noise);
      for (const key of Object.keys(result.metrics)) {
        expect(gaugeOfLogKey(key), key).toBeDefined();
      }
      const trace = traceCompiled(step, result);
      const { error, where } = traceError(
        trace,
        traceReference(reference, await reference.step(batch, noise)),
      );
      expect(error, `${where} after ${k} updates`).toBeLessThanOrEqual(TOLERANCE);
    }
  });
});

describe("on a bandit with two best actions", () => {
  const mixture: PmoeOptions = { ...pmoeDefaults, experts: 2, entropy: "mixture" };
  const seeds = [0, 1, 2, 3, 4];

  // Six compiled policies of 500 updates: half a second each, several on a busy machine.
  test("two experts take one each, and the gate both", { timeout: 40_000 }, async () => {
    let found = 0;
    for (const seed of seeds) {
      const options = { mixture, temperature: 0.05, updates: 500, seed };
      const { means, gate } = await learnBimodalBandit(options);
      const [low = 0, high = 0] = means.toSorted((a, b) => a - b);
      const isFound = Math.abs(low + 0.5) < 0.05 && Math.abs(high - 0.5) < 0.05;
      if (isFound) expect(Math.abs(gate - 0.5)).toBeLessThan(0.1);
      if (isFound) found += 1;
    }
    expect(found).toBeGreaterThanOrEqual(0.8 * seeds.length);
    const single = { mixture: { ...mixture, experts: 1 }, temperature: 0.005, updates: 500 };
    const [mode = 0] = (await learnBimodalBandit({ ...single, seed: 0 })).means;
    expect(Math.abs(Math.abs(mode) - 0.5)).toBeLessThan(0.05);
  });
});
