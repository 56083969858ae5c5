import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import {
  makeRewardScaler,
  type RewardScaler,
  type RewardScalerOptions,
  rewardScalerSchema,
  scaleRewards,
} from "../../src/learner/reward-scaler.ts";
import { rewardScalerOptions } from "../../src/learner/reward-scaler-options.ts";
import type { UnrollFrame } from "../../src/protocol.ts";
import { createBatch } from "../../src/replay/batch.ts";

const GAMMA = 0.9;
const base = { gamma: GAMMA, targetEntropy: -2, initialTemperature: 0.1 };
const deviation: RewardScalerOptions = { ...base, kind: "deviation", bound: 5 };
const range: RewardScalerOptions = { ...base, kind: "range", bound: 10 };

interface Piece {
  readonly actor: number;
  readonly rewards: readonly number[];
  readonly end: "none" | "terminated" | "truncated";
}

function frame({ actor, rewards, end }: Piece, incarnation = 0): UnrollFrame {
  const flags = (on: boolean): Uint8Array =>
    Uint8Array.from(rewards, (_, i) => Number(on && i === rewards.length - 1));
  return {
    unroll: {
      actor,
      env: 0,
      length: rewards.length,
      rewards: Float32Array.from(rewards),
      terminated: flags(end === "terminated"),
      truncated: flags(end === "truncated"),
    },
    incarnation,
  } as unknown as UnrollFrame;
}

/** Unrolls of two actors, whose episodes end now and then. */
const pieces = fc.array(
  fc.record({
    actor: fc.integer({ min: 0, max: 1 }),
    rewards: fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 6 }),
    end: fc.constantFrom("none", "terminated", "truncated"),
  }),
  { minLength: 1, maxLength: 30 },
) as fc.Arbitrary<Piece[]>;

/** Each actor's episodes, the last perhaps unfinished. */
function episodesOf(all: readonly Piece[]) {
  const episodes: { actor: number; rewards: number[]; end: Piece["end"] }[] = [];
  for (const { actor, rewards, end } of all) {
    let episode = episodes.findLast((other) => other.actor === actor);
    if (episode?.end !== "none") {
      episode = { actor, rewards: [], end: "none" };
      episodes.push(episode);
    }
    episode.rewards.push(...rewards);
    episode.end = end;
  }
  return episodes;
}

function feed(scaler: RewardScaler, all: readonly Piece[]): RewardScaler {
  for (const piece of all) scaler.observe(frame(piece));
  return scaler;
}

describe("reward scaling by the spread of returns", () => {
  test("is the larger of the running returns' deviation and their extreme over the bound", () => {
    fc.assert(
      fc.property(pieces, (all) => {
        const running: number[] = [];
        for (const { rewards } of episodesOf(all)) {
          let value = 0;
          for (const reward of rewards) {
            value = GAMMA * value + reward;
            running.push(value);
          }
        }
        const mean = running.reduce((a, b) => a + b, 0) / running.length;
        const variance = running.reduce((s, x) => s + (x - mean) ** 2, 0) / running.length;
        const largest = Math.max(...running.map(Math.abs));
        const expected = Math.max(Math.sqrt(variance + 1e-8), largest / 5);
        expect(feed(makeRewardScaler(deviation), all).scale).toBeCloseTo(expected, 6);
      }),
    );
  });

  test("keeps every scaled return within the bound", () => {
    fc.assert(
      fc.property(pieces, (all) => {
        const { scale } = feed(makeRewardScaler(deviation), all);
        for (const { rewards } of episodesOf(all)) {
          let value = 0;
          for (const reward of rewards) {
            value = GAMMA * value + reward / scale;
            expect(Math.abs(value)).toBeLessThanOrEqual(5 + 1e-6);
          }
        }
      }),
    );
  });
});

describe("reward scaling by the range of returns", () => {
  test("takes all returns-to-go of finished episodes, and leaves room for entropy", () => {
    fc.assert(
      fc.property(pieces, (all) => {
        const returns = episodesOf(all).flatMap(({ rewards, end }) => {
          if (end === "none") return [];
          const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
          return rewards.map((_, t) => {
            const rest = rewards.slice(t);
            const bootstrap = end === "truncated" ? mean / (1 - GAMMA) : 0;
            const discounted = rest.reduce((sum, r, k) => sum + GAMMA ** k * r, 0);
            return discounted + GAMMA ** rest.length * bootstrap;
          });
        });
        const scaler = feed(makeRewardScaler(range), all);
        scaler.priced(0.3);
        // -alpha H / (1 - gamma) / 2 = 0.3 * 2 / 0.1 / 2 = 3
        const extremes = Math.max(...returns.map(Math.abs)) + 3;
        expect(scaler.scale).toBeCloseTo(returns.length > 0 ? extremes / 10 : 1, 6);
      }),
    );
  });
});

describe.each([["deviation", deviation] as const, ["range", range] as const])(
  "reward scaling by %s",
  (_, options) => {
    test("goes on from its state as if it had never stopped", () => {
      fc.assert(
        fc.property(pieces, pieces, (before, after) => {
          const whole = feed(makeRewardScaler(options), before);
          whole.priced(0.25);
          const stored = JSON.parse(JSON.stringify(whole.state())) as unknown;
          const resumed = makeRewardScaler(options, rewardScalerSchema.parse(stored));
          expect(resumed.scale).toBe(whole.scale);
          feed(whole, after);
          feed(resumed, after);
          expect(resumed.state()).toEqual(whole.state());
        }),
      );
    });

    test("forgets the unfinished episode of an actor that was started anew", () => {
      const end: Piece = { actor: 0, rewards: [1, 2], end: "terminated" };
      const restarted = makeRewardScaler(options);
      restarted.observe(frame({ actor: 0, rewards: [8, 8, 8], end: "none" }));
      restarted.observe(frame(end, 1));
      const apart = makeRewardScaler(options);
      apart.observe(frame({ actor: 1, rewards: [8, 8, 8], end: "none" }));
      apart.observe(frame(end));
      expect(restarted.scale).toBe(apart.scale);
    });
  },
);

test("what is scaled are the returns of a batch, in place", () => {
  const batch = createBatch({ batchSize: 2, observationSize: 1, actionSize: 1 });
  batch.returns.set([3, -6]);
  batch.bootstrapDiscounts.fill(0.9);
  scaleRewards(batch, 3);
  expect([...batch.returns]).toEqual([1, -2]);
  expect(batch.bootstrapDiscounts[0]).toBeCloseTo(0.9, 6);
});

describe("how a run's configuration scales rewards", () => {
  const optionsOf = (algorithm: ConfigInput["algorithm"]) =>
    rewardScalerOptions(parseConfig({ algorithm }), 3);

  test("not at all with SAC's defaults, and to the support of a categorical critic", () => {
    expect(optionsOf({})).toBeUndefined();
    expect(optionsOf({ critic: "c51", criticSupport: { min: -4, max: 6 } })).toEqual({
      ...{ kind: "deviation", gamma: 0.99, bound: 4 },
      ...{ targetEntropy: -3, initialTemperature: 0.01 },
    });
  });

  test("by PPO to a deviation of 1, with no bound but that of a support", () => {
    expect(optionsOf({ name: "ppo" })?.bound).toBe(Infinity);
    expect(optionsOf({ name: "ppo", critic: "two-hot" })?.bound).toBe(5);
    const config = { plugins: { files: ["mine.ts"] }, algorithm: { name: "ppo", critic: "mine" } };
    expect(rewardScalerOptions(parseConfig(config as ConfigInput), 3)?.bound).toBe(5);
  });

  test.each(["ppo", "drqv2"] as const)(
    "by %s to the range of returns alone, which have no entropy in them",
    (name) => {
      const options = optionsOf({ name, rewardScaling: "range" });
      if (!options) throw new Error("not scaled");
      expect(options).toMatchObject({ bound: 10, initialTemperature: 0 });
      const scaler = makeRewardScaler(options);
      scaler.observe(frame({ actor: 0, rewards: [50], end: "terminated" }));
      expect(scaler.scale).toBe(5);
    },
  );
});
