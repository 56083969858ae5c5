/**
 * Question: does a critic trained by classification (HL-Gauss) stay able to learn where one trained by squared
 * errors does not?
 *
 * The increasing-bias regression of Farebrother et al. 2024, arXiv 2403.03950, figure 17, after Lyle et al.
 * 2024, with random vectors in place of images: noise of unit size, sin(1e5 f(x)) for a random network f,
 * plus a bias of 0, 8, 16, 24, 32, each for some thousand updates of one network. The noise is the same in all
 * phases: what a network is asked for never gets harder, only larger. 101 atoms from -40 to 40.
 *
 *     npx tsc -p bench && taskset -c 0 node bench/dist/bench/nonstationary-regression.js [seeds=3] [updates=2000]
 */
import { BATCH, EXAMPLES, HIDDEN, LEARNING_RATE, learnIncreasingBias } from "./increasing-bias.ts";
import { median, round } from "./results.ts";

const BIASES = [0, 8, 16, 24, 32];

const seeds = Number(process.argv[2] ?? 3);
const updates = Number(process.argv[3] ?? 2000);
const start = performance.now();
const runs: Record<string, number[][]> = {};
for (const critic of ["mse", "hl-gauss"] as const) {
  runs[critic] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const errors = await learnIncreasingBias({ critic, seed, updates, biases: BIASES });
    runs[critic].push(errors.map((error) => round(error, 5)));
  }
}
const medians = Object.fromEntries(
  Object.entries(runs).map(([critic, own]) => [
    critic,
    BIASES.map((_, phase) => round(median(own.map((errors) => errors[phase] ?? Number.NaN)), 5)),
  ]),
);
console.log(
  JSON.stringify(
    {
      benchmark: "nonstationary-regression",
      ...{ seeds, updates_per_phase: updates, batch: BATCH, examples: EXAMPLES, hidden: HIDDEN },
      learning_rate: LEARNING_RATE,
      biases: BIASES,
      median_mse: medians,
      runs,
      cpu_seconds: round(process.cpuUsage().user / 1e6),
      seconds: round((performance.now() - start) / 1000),
    },
    null,
    2,
  ),
);
