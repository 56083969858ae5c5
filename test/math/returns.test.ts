import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gae, nStepReturn, type ValuedSteps, vtrace } from "../../src/math/returns.ts";

const none = [0, 0, 0];
const reward = fc.double({ min: -10, max: 10, noNaN: true });
const flag = fc.integer({ min: 0, max: 9 }).map((x) => (x === 0 ? 1 : 0));
const step = fc.record({
  reward,
  value: reward,
  nextValue: reward,
  terminated: flag,
  truncated: flag,
});
const unroll = fc.array(step, { minLength: 1, maxLength: 40 }).map((steps) => ({
  rewards: steps.map((s) => s.reward),
  values: steps.map((s) => s.value),
  nextValues: steps.map((s) => s.nextValue),
  terminated: steps.map((s) => s.terminated),
  truncated: steps.map((s) => s.truncated),
}));

describe("nStepReturn", () => {
  test("sums discounted rewards and bootstraps after the last", () => {
    const steps = { rewards: [1, 0, 2], terminated: none, truncated: none };
    const result = nStepReturn(steps, 0, { n: 3, gamma: 0.99 });
    expect(result.nStepReturn + result.bootstrapDiscount * 10).toBeCloseTo(12.66319, 6);
    expect(result.length).toBe(3);
  });

  test("stops without bootstrap at termination, with its own exponent at truncation", () => {
    const rewards = [1, 0, 2];
    const options = { n: 3, gamma: 0.9 };
    const terminated = nStepReturn({ rewards, terminated: [0, 1, 0], truncated: none }, 0, options);
    expect(terminated).toEqual({ nStepReturn: 1, bootstrapDiscount: 0, length: 2 });
    const truncated = nStepReturn({ rewards, terminated: none, truncated: [0, 1, 0] }, 0, options);
    expect(truncated).toEqual({ nStepReturn: 1, bootstrapDiscount: 0.9 * 0.9, length: 2 });
  });

  test("stops where the unroll ends", () => {
    const steps = { rewards: [1, 0, 2], terminated: none, truncated: none };
    const result = nStepReturn(steps, 2, { n: 3, gamma: 0.9 });
    expect(result).toEqual({ nStepReturn: 2, bootstrapDiscount: 0.9, length: 1 });
  });

  test("obeys the recursion R^(n)_t = r_t + gamma R^(n-1)_{t+1}", () => {
    fc.assert(
      fc.property(unroll, fc.integer({ min: 2, max: 6 }), (steps, n) => {
        const whole = nStepReturn(steps, 0, { n, gamma: 0.97 });
        const ended = steps.terminated[0] || steps.truncated[0] || steps.rewards.length === 1;
        fc.pre(!ended);
        const rest = nStepReturn(steps, 1, { n: n - 1, gamma: 0.97 });
        expect(whole.nStepReturn).toBeCloseTo(steps.rewards[0]! + 0.97 * rest.nStepReturn, 9);
        expect(whole.bootstrapDiscount).toBeCloseTo(0.97 * rest.bootstrapDiscount, 12);
        expect(whole.length).toBe(1 + rest.length);
      }),
    );
  });
});

describe("gae", () => {
  const base = { rewards: [1, 0, 2], values: [0.5, 0.4, 0.3], nextValues: [0.4, 0.3, 0.2] };
  const cases: [string, ValuedSteps, number[]][] = [
    [
      "when nothing ends",
      { ...base, terminated: none, truncated: none },
      [2.4779859, 1.682069, 1.898],
    ],
    [
      "cut at termination",
      { ...base, terminated: [0, 1, 0], truncated: none },
      [0.5198, -0.4, 1.898],
    ],
    [
      "cut at truncation, from the value of the final observation",
      { ...base, nextValues: [0.4, 0.35, 0.2], terminated: none, truncated: [0, 1, 0] },
      [0.8456833, -0.0535, 1.898],
    ],
  ];
  test.each(cases)("gives the published numbers %s", (_, steps, expected) => {
    const advantages = gae(steps, 0.99, 0.95);
    for (const [t, value] of expected.entries()) expect(advantages[t]).toBeCloseTo(value, 6);
  });

  test("equals the sum over all later deltas, written out", () => {
    fc.assert(
      fc.property(unroll, (steps) => {
        const [gamma, lambda] = [0.98, 0.9];
        const advantages = gae(steps, gamma, lambda);
        for (let t = 0; t < steps.rewards.length; t++) {
          let expected = 0;
          for (let k = t, weight = 1; k < steps.rewards.length; k++, weight *= gamma * lambda) {
            const future = steps.terminated[k] ? 0 : gamma * steps.nextValues[k]!;
            expected += weight * (steps.rewards[k]! + future - steps.values[k]!);
            if (steps.terminated[k] || steps.truncated[k]) break;
          }
          expect(Math.abs(advantages[t]! - expected)).toBeLessThan(
            1e-6 * (100 + Math.abs(expected)),
          );
        }
      }),
    );
  });
});

describe("vtrace", () => {
  const options = { gamma: 0.98, lambda: 0.9, traceClip: 1 };

  test("is generalised advantage estimation when the policy is the one that acted", () => {
    fc.assert(
      fc.property(unroll, (steps) => {
        const expected = gae(steps, options.gamma, options.lambda);
        const { targets, advantages } = vtrace(
          steps,
          steps.rewards.map(() => 1),
          options,
        );
        for (const [t, value] of expected.entries()) {
          const tolerance = 1e-5 * (100 + Math.abs(value));
          expect(Math.abs(advantages[t]! - value)).toBeLessThan(tolerance);
          expect(Math.abs(targets[t]! - steps.values[t]! - value)).toBeLessThan(tolerance);
        }
      }),
    );
  });

  test("has the targets of equation 1, written out as a sum over products of traces", () => {
    const ratio = fc.double({ min: 0, max: 3, noNaN: true });
    fc.assert(
      fc.property(unroll, fc.infiniteStream(ratio), (steps, stream) => {
        const ratios = steps.rewards.map(() => stream.next().value);
        const { targets } = vtrace(steps, ratios, options);
        for (let s = 0; s < steps.rewards.length; s++) {
          let expected = steps.values[s]!;
          for (let t = s, traces = 1; t < steps.rewards.length; t++) {
            const rho = Math.min(1, ratios[t]!);
            const future = steps.terminated[t] ? 0 : options.gamma * steps.nextValues[t]!;
            const discount = options.gamma ** (t - s);
            expected += discount * traces * rho * (steps.rewards[t]! + future - steps.values[t]!);
            traces *= options.lambda * rho;
            if (steps.terminated[t] || steps.truncated[t]) break;
          }
          expect(Math.abs(targets[s]! - expected)).toBeLessThan(1e-5 * (100 + Math.abs(expected)));
        }
      }),
    );
  });

  test("has advantages over the target of the next step, by lambda, and over its value for the rest", () => {
    const ratio = fc.double({ min: 0, max: 3, noNaN: true });
    fc.assert(
      fc.property(unroll, fc.infiniteStream(ratio), (steps, stream) => {
        const ratios = steps.rewards.map(() => stream.next().value);
        // Within an episode the value of the successor is that of the next step.
        const nextValues = steps.nextValues.map((value, t) =>
          steps.truncated[t] || t + 1 === steps.rewards.length ? value : steps.values[t + 1]!,
        );
        const { gamma, lambda } = options;
        const { targets, advantages } = vtrace({ ...steps, nextValues }, ratios, options);
        for (const [t, reward] of steps.rewards.entries()) {
          const isLast = t + 1 === steps.rewards.length || steps.truncated[t];
          const later = isLast ? nextValues[t]! : targets[t + 1]!;
          const next = steps.terminated[t] ? 0 : (1 - lambda) * nextValues[t]! + lambda * later;
          const expected = reward + gamma * next - steps.values[t]!;
          expect(Math.abs(advantages[t]! - expected)).toBeLessThan(
            1e-5 * (100 + Math.abs(expected)),
          );
        }
      }),
    );
  });
});
