import { defaultDevice, init, jit } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import { type GateQuestion, gateLosses } from "../../src/algorithms/gate-losses.ts";
import {
  actingLogProbabilities,
  drawExpert,
  mixtureLogDensity,
  mixtureLogProbabilities,
} from "../../src/algorithms/gated-experts.ts";
import { initialParameters } from "../../src/algorithms/networks.ts";
import { type PmoeOptions, pmoe, pmoeDefaults } from "../../src/algorithms/pmoe.ts";
import { type SacOptions, sac, sacDefaults } from "../../src/algorithms/sac.ts";
import {
  fromArray,
  mean,
  neg,
  read,
  reshape,
  scalar,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
  zeros,
} from "../../src/compile/ops.ts";
import { compileStage } from "../../src/compile/stage-program.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { RandomStream } from "../../src/math/random.ts";
import { gaugeOfLogKey } from "../../src/metrics/definitions.ts";
import { learnBimodalBandit } from "./bimodal-bandit.ts";
import { compileUpdate, traceCompiled } from "./compiled-update.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";
import { ReferenceUpdate } from "./reference-update.ts";
import { traceError, traceReference } from "./update-trace.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
});

const sizes = { observationSize: 5, actionSize: 2, batchSize: 64 };
const base: SacOptions = { ...sacDefaults, hidden: [16, 16], initialTemperature: 0.3 };
const withExperts = (options: Partial<PmoeOptions> = {}): Algorithm =>
  sac({ ...base, pmoe: { ...pmoeDefaults, experts: 3, ...options } }, sizes);
const tensor = (shape: readonly number[], ...values: number[]) =>
  fromArray(Float32Array.from(values), shape);
const numbers = async (x: Tensor): Promise<number[]> => [...(await read(x))];

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

describe("the density of a mixture", () => {
  const log = Math.log;

  test("is that of the published example", async () => {
    // u = (0.5, -1.2), w = (0.7, 0.3), two experts of two dimensions.
    const density = mixtureLogProbabilities(
      {
        means: tensor([1, 2, 2], 0.1, -0.4, 1, 0.5),
        logStds: tensor([1, 2, 2], -0.5, 0.2, -1, -0.3),
      },
      tensor([1, 2], log(0.7), log(0.3)),
      tensor([1, 1, 2], 0.5, -1.2),
    );
    expect(density.shape).toEqual([1, 1]);
    expect(Math.abs((await numbers(density))[0]! + 0.848973)).toBeLessThan(2e-6);
  });

  test.each([
    { weights: [1, 0], expected: -1.969842 },
    { weights: [0, 1], expected: -4.094471 },
    { weights: [0.7, 0.3], expected: -2.27658 },
  ])("before it is squashed is $expected for weights $weights", async ({ weights, expected }) => {
    const density = mixtureLogDensity(
      {
        means: tensor([1, 2, 2], 0.1, -0.4, 1, 0.5),
        logStds: tensor([1, 2, 2], -0.5, 0.2, -1, -0.3),
      },
      tensor([1, 2], ...weights.map((w) => Math.max(log(w), -1e9))),
      tensor([1, 1, 2], 0.5, -1.2),
    );
    expect(Math.abs((await numbers(density))[0]! - expected)).toBeLessThan(2e-6);
  });

  test("integrates to one over the actions", async () => {
    const n = 8001;
    const u = Float32Array.from({ length: n }, (_, i) => -8 + (16 * i) / (n - 1));
    const density = await numbers(
      mixtureLogProbabilities(
        { means: tensor([1, 3, 1], -0.9, 0.2, 1.5), logStds: tensor([1, 3, 1], -1, -0.2, -2) },
        tensor([1, 3], log(0.2), log(0.5), log(0.3)),
        fromArray(u, [1, n, 1]),
      ),
    );
    let integral = 0;
    for (let i = 1; i < n; i++) {
      const middle = (Math.exp(density[i]!) + Math.exp(density[i - 1]!)) / 2;
      integral += middle * (Math.tanh(u[i]!) - Math.tanh(u[i - 1]!));
    }
    expect(integral).toBeCloseTo(1, 3);
  });

  test("stays finite, with its gradient, where every density underflows", async () => {
    const size = 40;
    const { value, gradient } = valueAndGrad(
      (at: Tensor) => {
        const density = mixtureLogProbabilities(
          { means: at, logStds: tensor([1, 2, size], ...Array<number>(2 * size).fill(-3)) },
          tensor([1, 2], log(0.5), log(0.5)),
          tensor([1, 1, size], ...Array<number>(size).fill(3)),
        );
        return { value: sum(density), aux: density };
      },
      zeros([1, 2, size]),
    );
    for (const x of [...(await numbers(value)), ...(await numbers(gradient))]) {
      expect(Number.isFinite(x)).toBe(true);
    }
  });
});

describe("an expert is drawn", () => {
  test("as often as the gate says, one for each state", async () => {
    const n = 20_000;
    const weights = [0.1, 0.2, 0.65, 0.05];
    const noise = new Float32Array(n);
    RandomStream.derive(5).fillNormal(noise);
    const gate = fromArray(
      Float32Array.from({ length: 4 * n }, (_, i) => Math.log(weights[i % 4]!)),
      [n, 4],
    );
    const drawn = drawExpert(gate, fromArray(noise, [n, 1]));
    expect(new Set(await numbers(sum(drawn, -1)))).toEqual(new Set([1]));
    for (const [k, share] of (await numbers(mean(drawn, 0))).entries()) {
      // Three standard errors are 0.01.
      expect(Math.abs(share - weights[k]!)).toBeLessThan(0.01);
    }
  });

  test("from the ends of the normal distribution, too", async () => {
    const gate = tensor([2, 3], ...[0, 1, 2, 3, 4, 5].map(() => Math.log(1 / 3)));
    expect(await numbers(drawExpert(gate, tensor([2, 1], -30, 30)))).toEqual([1, 0, 0, 0, 0, 1]);
  });

  test("from the likeliest alone, or from all with a least probability", async () => {
    const logits = tensor([1, 4], 1, 3, 2, -60);
    const options = { experts: 4, gateInput: "hidden", topK: 2, minProbability: 0 } as const;
    const few = (await numbers(actingLogProbabilities(logits, options))).map(Math.exp);
    expect(few[1]! / few[2]!).toBeCloseTo(Math.E, 4);
    expect([few[0], few[3]]).toEqual([0, 0]);
    const floor = { ...options, topK: 0, minProbability: 0.01 };
    const all = (await numbers(actingLogProbabilities(logits, floor))).map(Math.exp);
    expect(all[3]).toBeCloseTo(0.01, 6);
    expect(all.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });
});

/** Gradient with respect to the gate's scores of a loss over one state. */
async function gateGradient(
  name: keyof typeof gateLosses,
  logits: readonly number[],
  question: Partial<GateQuestion>,
) {
  const k = logits.length;
  const { value, gradient } = valueAndGrad(
    (at: Tensor) => ({
      value: gateLosses[name].loss(
        {
          actions: zeros([1, k, 1]),
          logProbabilities: zeros([1, k]),
          values: zeros([1, k]),
          best: zeros([1, k]),
          temperature: scalar(0.1),
          noise: zeros([1, k]),
          value: () => zeros([1]),
          ...question,
          logits: at,
        },
        { gumbelTemperature: 1, entropy: "expert" },
      ),
      aux: scalar(0),
    }),
    tensor([1, k], ...logits),
  );
  return { loss: (await numbers(value))[0]!, gradient: await numbers(gradient) };
}

const expectNear = (values: readonly number[], expected: readonly number[], digits = 5) => {
  expect(values).toHaveLength(expected.length);
  for (const [i, x] of values.entries()) expect(x).toBeCloseTo(expected[i]!, digits);
};

describe("a gate learns", () => {
  const weights = [0.1, 0.2, 0.3, 0.4];
  const logits = weights.map(Math.log);
  const values = [1, -0.5, 2, 0.25];
  const logProbabilities = [0.3, -1, 2, 0.5];
  const costs = values.map((q, k) => 0.1 * logProbabilities[k]! - q);
  const expected = costs.reduce((total, cost, k) => total + weights[k]! * cost, 0);
  const question = {
    values: tensor([1, 4], ...values),
    logProbabilities: tensor([1, 4], ...logProbabilities),
  };
  /** d/dlogits of sum_k w_k F_k. */
  const exact = costs.map((cost, k) => weights[k]! * (cost - expected));

  test("frequencies, with the published gradient", async () => {
    const { loss, gradient } = await gateGradient("frequency", logits, {
      best: tensor([1, 4], 0, 0, 1, 0),
    });
    expect(loss).toBeCloseTo(0.7, 6);
    expectNear(gradient, [0.02, 0.08, -0.42, 0.32]);
  });

  test("by enumeration, with the gate's own entropy", async () => {
    const { loss, gradient } = await gateGradient("enumerate", logits, question);
    const entropies = weights.map((w) => 0.1 * Math.log(w));
    const total = costs.map((cost, k) => cost + entropies[k]!);
    const average = total.reduce((sumSoFar, x, k) => sumSoFar + weights[k]! * x, 0);
    expect(loss).toBeCloseTo(average, 5);
    expectNear(
      gradient,
      total.map((x, k) => weights[k]! * (x - average)),
    );
  });

  test("by scores, whose mean is the exact gradient", async () => {
    const sums = [0, 0, 0, 0];
    // Noise that draws each expert in turn; weighted with how often it is drawn.
    for (const [k, z] of [-2, -0.8, 0, 1].entries()) {
      const noise = tensor([1, 1], z);
      const { gradient } = await gateGradient("score", logits, { ...question, noise });
      for (const [i, g] of gradient.entries()) sums[i]! += weights[k]! * g;
    }
    expectNear(sums, exact);
  });

  test("through a soft choice", async () => {
    const value = (actions: Tensor) => sum(actions, -1);
    const actions = tensor([1, 4, 1], ...values);
    const noise = tensor([1, 4], 0.3, -1, 0.5, 1.2);
    const inputs = { ...question, actions, noise, value };
    const { loss, gradient } = await gateGradient("gumbel", logits, inputs);
    const cdf = [0.3, -1, 0.5, 1.2].map((z) => (1 + erf(z / Math.SQRT2)) / 2);
    const scores = logits.map((l, k) => l - Math.log(-Math.log(cdf[k]!)));
    const total = scores.reduce((a, s) => a + Math.exp(s), 0);
    const shares = scores.map((s) => Math.exp(s) / total);
    const average = costs.reduce((a, cost, k) => a + shares[k]! * cost, 0);
    expect(loss).toBeCloseTo(average, 4);
    expectNear(
      gradient,
      costs.map((cost, k) => shares[k]! * (cost - average)),
      4,
    );
  });

  // Q(a) = a; experts N(SHIFT, 1) and N(0, 1): the first wins with probability Phi(SHIFT / sqrt 2) = 0.8.
  test("how often the draws of each of two fixed experts win", { timeout: 20_000 }, async () => {
    const SHIFT = 0.841621 * Math.SQRT2;
    const random = RandomStream.derive(2);
    const rows = 8;
    const differentiate = jit(((at: Tensor, best: Tensor) =>
      valueAndGrad(
        (x: Tensor) => ({
          value: gateLosses.frequency.loss({ logits: x, best } as GateQuestion, {
            gumbelTemperature: 1,
            entropy: "expert",
          }),
          aux: softmax(x),
        }),
        at,
      )) as never) as unknown as (
      at: Tensor,
      best: Tensor,
    ) => { readonly aux: Tensor; readonly gradient: Tensor };
    let logit = 0;
    let average = 0;
    const updates = 1500;
    for (let k = 0; k < updates; k++) {
      const best = Array.from({ length: rows }, () =>
        SHIFT + random.normal() > random.normal() ? [1, 0] : [0, 1],
      );
      const at = tensor([rows, 2], ...best.flatMap(() => [logit, 0]));
      const { aux, gradient } = differentiate(at, tensor([rows, 2], ...best.flat()));
      const weight = (await numbers(aux))[0]!;
      if (k >= updates / 2) average += weight / (updates / 2);
      const slopes = await numbers(gradient);
      const slope = slopes.reduce((a, g, i) => (i % 2 === 0 ? a + g : a), 0);
      logit -= 3 * (1 - k / updates) * slope;
    }
    expect(Math.abs(average - 0.8)).toBeLessThan(0.02);
  });
});

/** Abramowitz and Stegun 7.1.26, to 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const coefficients = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const series = coefficients.reduce((total, c) => (total + c) * t, 0);
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

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
