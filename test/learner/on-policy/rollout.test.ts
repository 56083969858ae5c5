import { describe, expect, test } from "vitest";
import {
  NormalizedObservations,
  RawObservations,
} from "../../../src/learner/observation-normalizer.ts";
import {
  createMinibatch,
  Minibatches,
  standardise,
} from "../../../src/learner/on-policy/minibatches.ts";
import { estimateAdvantages, explainedVariance } from "../../../src/learner/on-policy/rollout.ts";
import {
  correctStaleness,
  effectiveShare,
  type StaleOptions,
} from "../../../src/learner/on-policy/stale-rollout.ts";
import { RandomStream } from "../../../src/math/random.ts";
import { turnOf } from "./turns.ts";

const sizes = { observationSize: 1, actionSize: 1 };
const options = { ...sizes, gamma: 0.99, lambda: 0.95, rewardClip: 10 };
const raw = { normalizer: new RawObservations(1), rewardScale: 1 };
const first = { rewards: [1, 0, 2], values: [0.5, 0.4, 0.3, 0.2], logProbs: [-1, -2, -3] };
const closeTo = (values: readonly number[]) => values.map((x) => expect.closeTo(x, 6));

describe("estimateAdvantages", () => {
  test("treats every unroll by itself, each with its own end", () => {
    const turn = turnOf(
      { ...first, endsTurn: false },
      { rewards: [1, 0], values: [0.5, 0.4, 99], end: "terminated", endsTurn: false },
      { rewards: [1, 0], values: [0.5, 0.4, 0.35], end: "truncated" },
    );
    const rollout = estimateAdvantages([turn], options, raw);
    // sac_ppo_baselines: the published numbers of three steps, and of two that end.
    expect([...rollout.advantages]).toEqual(
      closeTo([2.4779859, 1.682069, 1.898, 0.5198, -0.4, 0.8456833, -0.0535]),
    );
    const [values, returns] = [[...rollout.values], [...rollout.returns]];
    expect(values).toEqual(closeTo([0.5, 0.4, 0.3, 0.5, 0.4, 0.5, 0.4]));
    expect(returns).toEqual(closeTo(values.map((v, i) => v + (rollout.advantages[i] ?? 0))));
    expect([...rollout.logProbs.subarray(0, 3)]).toEqual([-1, -2, -3]);
    expect([...rollout.observations]).toEqual([0, 10, 20, 0, 10, 0, 10]);
    expect([...rollout.actions]).toEqual([0, 1, 2, 0, 1, 0, 1]);
  });

  test("scales and clips rewards, and normalises observations, with what it is given", () => {
    const normalizer = new NormalizedObservations(1, { count: 4, mean: [10], squares: [400] });
    const turn = turnOf({ rewards: [4, 100, -100], values: [0, 0, 0, 0] });
    const rollout = estimateAdvantages(
      [turn],
      { ...options, gamma: 0, rewardClip: 10 },
      { normalizer, rewardScale: 4 },
    );
    expect([...rollout.advantages]).toEqual([1, 10, -10]);
    expect([...rollout.observations]).toEqual(closeTo([-1, 0, 1]));
  });

  test("tells how much of the returns the critic knew", () => {
    const turn = turnOf({ rewards: [1, 2, 4], values: [1, 2, 4, 0] });
    const knowing = estimateAdvantages([turn], { ...options, gamma: 0 }, raw);
    expect(explainedVariance(knowing)).toBeCloseTo(1, 6);
    const ignorant = turnOf({ rewards: [1, 2, 4], values: [3, 3, 3, 0] });
    expect(
      explainedVariance(estimateAdvantages([ignorant], { ...options, gamma: 0 }, raw)),
    ).toBeCloseTo(0, 6);
  });
});

describe("correctStaleness", () => {
  const stale = (logProbs: readonly number[], values: readonly number[]): StaleOptions => ({
    ...{ ...options, traceClip: 1 },
    // Asked first about the steps, then about the last observations.
    judge: async (observations) => {
      const isSteps = observations.length === first.rewards.length;
      return isSteps
        ? { logProbs: Float32Array.from(logProbs), values: Float32Array.from(values.slice(0, 3)) }
        : { logProbs: Float32Array.of(0), values: Float32Array.from(values.slice(3)) };
    },
  });

  test("is plain estimation where policy and critic are those that acted", async () => {
    const turn = turnOf(first);
    const fresh = estimateAdvantages([turn], options, raw);
    const { weights, ...rest } = await correctStaleness(
      [turn],
      stale(first.logProbs, first.values),
      raw,
    );
    expect([...(weights ?? [])]).toEqual([1, 1, 1]);
    expect([...rest.advantages]).toEqual(closeTo([...fresh.advantages]));
    expect([...rest.returns]).toEqual(closeTo([...fresh.returns]));
    expect([...rest.logProbs]).toEqual([...fresh.logProbs]);
  });

  test("centres on today's densities, weighs by today's over recorded, and bounds the weight", async () => {
    const today = [-1 + Math.log(2), -2 - Math.log(4), -3 + 50];
    const rollout = await correctStaleness([turnOf(first)], stale(today, first.values), raw);
    expect([...rollout.logProbs]).toEqual(closeTo(today));
    const weights = [...(rollout.weights ?? [])];
    expect(weights[0]).toBeCloseTo(2, 5);
    expect(weights[1]).toBeCloseTo(0.25, 5);
    expect(weights[2]).toBe(100);
    expect(effectiveShare(Float32Array.of(1, 1, 1, 1))).toBe(1);
    expect(effectiveShare(Float32Array.of(1, 0, 0, 0))).toBe(0.25);
  });
});

describe("Minibatches", () => {
  const steps = 10;
  const rollout = {
    steps,
    observations: Float32Array.from({ length: steps }, (_, i) => i),
    actions: Float32Array.from({ length: steps }, (_, i) => 10 * i),
    logProbs: Float32Array.from({ length: steps }, (_, i) => -i),
    advantages: Float32Array.from({ length: steps }, (_, i) => i * i),
    returns: Float32Array.from({ length: steps }, (_, i) => 2 * i),
    values: Float32Array.from({ length: steps }, (_, i) => 3 * i),
  };

  test("have every step once in an epoch, all of a step's numbers together, in another order each time", () => {
    const minibatches = new Minibatches(rollout, { normalizes: false });
    const random = RandomStream.derive(1, "order");
    const orders = [1, 2].map(() => {
      minibatches.shuffle(random);
      const batch = createMinibatch(4, sizes);
      expect(minibatches.count(4)).toBe(3);
      return [0, 1, 2].flatMap((index) => {
        minibatches.fill(batch, index);
        for (const [row, i] of batch.observations.entries()) {
          expect(batch.actions[row]).toBe(10 * i);
          expect(batch.logProbs[row]).toBe(i === 0 ? -0 : -i);
          expect(batch.advantages[row]).toBe(i * i);
          expect(batch.returns[row]).toBe(2 * i);
          expect(batch.values[row]).toBe(3 * i);
        }
        return [...batch.observations];
      });
    });
    const [once, again] = orders as [number[], number[]];
    expect(once.slice(0, steps).toSorted((a, b) => a - b)).toEqual([...rollout.observations]);
    // The last is filled up from the beginning.
    expect(once.slice(steps)).toEqual(once.slice(0, 2));
    expect(again.slice(0, steps)).not.toEqual(once.slice(0, steps));
  });

  test("have advantages of mean 0 and deviation 1, times the weight of stale steps", () => {
    const weights = new Float32Array(steps).fill(2);
    const batch = createMinibatch(4, sizes);
    new Minibatches({ ...rollout, weights }, { normalizes: true }).fill(batch, 0);
    // (0, 1, 4, 9): mean 3.5, sample deviation sqrt(49/3).
    const expected = [0, 1, 4, 9].map((x) => (2 * (x - 3.5)) / Math.sqrt(49 / 3));
    expect([...batch.advantages]).toEqual(closeTo(expected));
  });

  test("of equal advantages give none, not a NaN", () => {
    const same = new Float32Array(4).fill(3);
    standardise(same);
    expect([...same]).toEqual([0, 0, 0, 0]);
    const one = Float32Array.of(5);
    standardise(one);
    expect([...one]).toEqual([0]);
  });
});
