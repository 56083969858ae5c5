/**
 * Question: do the experts of a mixture take different modes where two actions are equally good?
 *
 * One state, Q(a) = max(-(a - 0.5)^2, -(a + 0.5)^2), two experts, 600 updates, seeds 0 to 9. A seed counts as
 * `both` when one expert ends within 0.05 of each best action, as `same` when both end at the same one, and as
 * `one` when only one expert is at any.
 *
 *     npx tsc -p bench && node bench/dist/bench/bimodal-bandit.js
 */
import { type PmoeOptions, pmoeDefaults } from "../src/algorithms/pmoe.ts";
import { learnBimodalBandit } from "../test/algorithms/bimodal-bandit.ts";

const SEEDS = 10;
const variants: Readonly<Record<string, Partial<PmoeOptions>>> = {
  "max, expert": {},
  "max, mixture": { entropy: "mixture" },
  "all, expert": { expertGradient: "all" },
  "all, mixture": { expertGradient: "all", entropy: "mixture" },
};

const isNear = (means: readonly number[], mode: number): number =>
  means.filter((mean) => Math.abs(mean - mode) < 0.05).length;

const results: unknown[] = [];
for (const temperature of [0.01, 0.02, 0.05]) {
  for (const [name, options] of Object.entries(variants)) {
    const counts = { both: 0, same: 0, one: 0, none: 0 };
    for (let seed = 0; seed < SEEDS; seed++) {
      const mixture = { ...pmoeDefaults, experts: 2, ...options };
      const { means } = await learnBimodalBandit({ mixture, temperature, updates: 600, seed });
      const [low, high] = [isNear(means, -0.5), isNear(means, 0.5)];
      if (low > 0 && high > 0) counts.both += 1;
      else if (low + high === 2) counts.same += 1;
      else if (low + high === 1) counts.one += 1;
      else counts.none += 1;
    }
    results.push({ experts_learn_and_entropy: name, temperature, ...counts });
  }
}
console.log(
  JSON.stringify(
    { benchmark: "bimodal-bandit", seeds: SEEDS, updates: 600, results: results as object },
    null,
    2,
  ),
);
