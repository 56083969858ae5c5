import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { ExpertWatch } from "../../src/learner/expert-watch.ts";

function watchFor(
  updates: number,
  metrics: (k: number) => Record<string, number>,
  config: ConfigInput = {},
) {
  const warnings: string[] = [];
  const counts: number[] = [];
  const watch = new ExpertWatch((message) => warnings.push(message), parseConfig(config));
  for (let k = 0; k < updates; k++) {
    const dead = watch.onUpdate(metrics(k));
    if (dead !== undefined) counts.push(dead);
  }
  return { warnings, counts };
}

test("an expert that is never the best any more is counted, and told of once", () => {
  const { warnings, counts } = watchFor(3_000, (k) => ({
    "pmoe/best_0": 0.6,
    "pmoe/best_1": k < 1000 ? 0.3 : 0,
    "pmoe/best_2": 0.1,
    "pmoe/gate_1": 0.3,
  }));
  expect(counts).toEqual([0, 1, 1]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^expert 1 of the mixture was hardly ever the best in 1000 updates/);
  expect(warnings[0]).toMatch(/pmoe\.expertGradient to all$/);
});

test.each<[string, ConfigInput]>([
  ["PPO's experts", { algorithm: { name: "ppo" } }],
  ["experts that all learn", { pmoe: { expertGradient: "all" } }],
])("%s go on learning when they are never the best", (_, config) => {
  const { warnings } = watchFor(1_000, () => ({ "pmoe/best_0": 1, "pmoe/best_1": 0 }), config);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/lower pmoe\.experts$/);
  expect(warnings[0]).not.toMatch(/expertGradient/);
});

test("one that is the best now and then lives", () => {
  const { warnings, counts } = watchFor(1_000, (k) => ({
    "pmoe/best_0": k % 100 === 0 ? 0.5 : 0,
    "pmoe/best_1": k % 100 === 0 ? 0.5 : 1,
  }));
  expect(counts).toEqual([0]);
  expect(warnings).toEqual([]);
});

test("a policy without experts is left alone", () => {
  expect(watchFor(2_000, () => ({ "train/actor_loss": 0 }))).toEqual({ warnings: [], counts: [] });
});
