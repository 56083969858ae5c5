import { defaultDevice, init } from "@jax-js/jax";
import { beforeAll, describe, expect, test } from "vitest";
import {
  actingLogProbabilities,
  drawExpert,
  mixtureLogDensity,
  mixtureLogProbabilities,
} from "../../src/algorithms/gated-experts.ts";
import { fromArray, mean, sum, type Tensor, valueAndGrad, zeros } from "../../src/compile/ops.ts";
import { RandomStream } from "../../src/math/random.ts";
import { numbers, tensor } from "./tensors.ts";

beforeAll(async () => {
  await init("wasm");
  defaultDevice("wasm");
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
