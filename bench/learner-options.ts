/**
 * Question: what does each option of SAC cost per update, beside plain SAC?
 *
 * HalfCheetah's sizes, 256x256 networks, batch 256. All variants live in one process and take turns of five
 * updates, so that what else the machine does falls on all of them. `ratio` is the median of a
 * variant's updates over plain SAC's at the same place of the same round, `ratio_of_least` that of the quickest updates.
 *
 *     npx tsc -p bench && taskset -c 0 node bench/dist/bench/learner-options.js [rounds=40] [variant...]
 */
import { drmDefaults } from "../src/algorithms/drm/guidance.ts";
import { pmoeDefaults } from "../src/algorithms/pmoe.ts";
import type { AlgorithmOptions } from "../src/algorithms/registry.ts";
import { BenchmarkedLearner } from "../src/compile/benchmark.ts";
import { median, round } from "./results.ts";

const UPDATES = 5;

const variants: Readonly<Record<string, AlgorithmOptions>> = {
  plain: {},
  "hl-gauss": { critic: "hl-gauss" },
  "two-hot": { critic: "two-hot" },
  c51: { critic: "c51" },
  "layer-norm": { criticNetwork: { norm: "layer" } },
  bro: { criticNetwork: { architecture: "bro" } },
  simba: { criticNetwork: { architecture: "simba", hidden: [256] } },
  pmoe: { pmoe: pmoeDefaults },
  "pmoe-all": { pmoe: { ...pmoeDefaults, expertGradient: "all" } },
  "pmoe-mixture": { pmoe: { ...pmoeDefaults, entropy: "mixture" } },
  "pmoe-gumbel": { pmoe: { ...pmoeDefaults, gateLoss: "gumbel" } },
  drm: { drm: drmDefaults },
  "c51-stablemax": { critic: "c51", probabilities: "stablemax" },
  "orthogonal-critic": { orthogonalGradients: "critic" },
  "orthogonal-all": { orthogonalGradients: "all" },
  "spectral-norm": { criticNetwork: { spectralNorm: 5 } },
  robust: { robust: { weight: 1, radius: 0.05 } },
};

const [rounds = "40", ...chosen] = process.argv.slice(2);
const names = Object.keys(variants).filter(
  (name) => name === "plain" || chosen.length === 0 || chosen.includes(name),
);
const learners = new Map<string, BenchmarkedLearner>();
for (const name of names) {
  learners.set(name, await BenchmarkedLearner.open(variants[name] ?? {}));
}
const times = new Map(names.map((name): [string, number[]] => [name, []]));
for (let turn = -1; turn < Number(rounds); turn++) {
  for (const [name, learner] of learners) {
    for (let k = 0; k < UPDATES; k++) {
      const milliseconds = 1000 * (await learner.update(1));
      // The first round warms up.
      if (turn >= 0) times.get(name)?.push(milliseconds);
    }
  }
}
for (const learner of learners.values()) await learner[Symbol.asyncDispose]();

const plain = times.get("plain") ?? [];
const results = [...times].map(([name, own]) => [
  name,
  {
    ms_per_update: round(median(own), 2),
    ms_least: round(Math.min(...own), 2),
    ratio: round(median(own.map((time, i) => time / (plain[i] ?? Number.NaN))), 3),
    ratio_of_least: round(Math.min(...own) / Math.min(...plain), 3),
  },
]);
console.log(
  JSON.stringify(
    {
      benchmark: "learner-options",
      rounds: Number(rounds),
      updates_per_turn: UPDATES,
      atoms: 101,
      variants: Object.fromEntries(results) as object,
    },
    null,
    2,
  ),
);
