import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { CriticWatch } from "../../src/learner/critic-watch.ts";

function warningsAfter(
  updates: number,
  metrics: (k: number) => Record<string, number>,
  algorithm: ConfigInput["algorithm"] = {},
): string[] {
  const warnings: string[] = [];
  const watch = new CriticWatch((message) => warnings.push(message), parseConfig({ algorithm }));
  for (let k = 0; k < updates; k++) watch.onUpdate(metrics(k));
  return warnings;
}

test("a support that stays saturated is warned of once, with the share and the way out", () => {
  const warnings = warningsAfter(5_000, () => ({ "train/support_saturation": 0.25 }));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^25 % of the critics' targets.*algorithm\.criticSupport/);
});

test("a moment of saturation is none", () => {
  const spike = (k: number) => ({ "train/support_saturation": k % 1000 < 40 ? 1 : 0 });
  expect(warningsAfter(3_000, spike)).toEqual([]);
});

test("exploding logits and mass at the edges are warned of", () => {
  const warnings = warningsAfter(1_000, () => ({
    "train/logit_max": 240,
    "train/support_edge_mass": 0.5,
  }));
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(/outermost atoms/);
  expect(warnings[1]).toMatch(/logits reach 240/);
});

test("large logits are to be met with the learning rate that the algorithm has", () => {
  const large = () => ({ "train/logit_max": 240 });
  expect(warningsAfter(1_000, large)).toEqual([
    expect.stringContaining("lower algorithm.learningRates.critic"),
  ]);
  expect(warningsAfter(1_000, large, { name: "ppo" })).toEqual([
    expect.stringContaining("lower ppo.learningRate"),
  ]);
});

test("large logits are no matter where they do no harm", () => {
  const large = () => ({ "train/logit_max": 240, "train/support_saturation": 0.2 });
  const stablemax = { criticSupport: { probabilities: "stablemax" } } as const;
  expect(warningsAfter(1_000, large, stablemax)).toHaveLength(1);
});

test("a critic without a support is left alone", () => {
  expect(warningsAfter(2_000, () => ({ "train/critic_loss": 1e9 }))).toEqual([]);
});
