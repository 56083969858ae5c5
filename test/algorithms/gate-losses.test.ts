import { defaultDevice, init, jit } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import { type GateQuestion, gateLosses } from "../../src/algorithms/gate-losses.ts";
import { scalar, softmax, sum, type Tensor, valueAndGrad, zeros } from "../../src/compile/ops.ts";
import { RandomStream } from "../../src/math/random.ts";
import { expectNear, numbers, tensor } from "./tensors.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
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
