/**
 * Question: does it learn, how well, and how much do seeds differ?
 *
 * Trains each seed by `troupe train`, one after the other, an evaluation of 10 episodes every twentieth of
 * the run. Can be stopped and started again: complete runs are skipped, others resumed. After each run, and
 * with --from DIR without any, writes bench/results/learning-ENV.json and .svg from the run folders.
 *
 *     npm run build && npx tsc -p bench
 *     node bench/dist/bench/learning.js --env HalfCheetah-v5 [--seeds 1,2,3] [--steps 100000]
 *       [--target 4500] [--runs runs/learning | --from DIR] [--note TEXT]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { learningPlot } from "./learning-plot.ts";
import { assembleResult, type Campaign, findRuns, isComplete } from "./learning-result.ts";
import { repository, writeResult } from "./results.ts";

const { values: flags } = parseArgs({
  options: {
    env: { type: "string", default: "HalfCheetah-v5" },
    seeds: { type: "string", default: "1,2,3" },
    steps: { type: "string", default: "100000" },
    target: { type: "string" },
    runs: { type: "string", default: join(repository, "runs", "learning") },
    from: { type: "string" },
    note: { type: "string" },
  },
});
const campaign: Campaign = {
  env: flags.env,
  seeds: flags.seeds.split(",").map(Number),
  steps: Number(flags.steps),
};
const folder = resolve(flags.from ?? flags.runs);
const target = flags.target === undefined ? undefined : Number(flags.target);

/** Runs one seed to its end, or goes on with it. */
async function trainSeed(seed: number): Promise<void> {
  const { env, steps } = campaign;
  const name = `${env}-s${seed}`;
  const command = ["train", env, "--seed", String(seed), "--total-steps", String(steps)];
  const settings = [
    `evaluation.interval=${steps / 20}`,
    "learner.threads=1",
    "metrics.logIntervalSeconds=30",
  ].flatMap((setting) => ["--set", setting]);
  const place = ["--run-dir", folder, "--name", name, "--resume", "auto", "--progress-lines"];
  const argv = [join(repository, "dist", "cli.js"), ...command, ...settings, ...place];
  const child = spawn(process.execPath, argv, { stdio: "inherit", cwd: repository });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code !== 0) throw new Error(`the run of seed ${seed} ended with ${code ?? signal}`);
}

async function record(): Promise<void> {
  const { note } = flags;
  const { runs, ...result } = await assembleResult(findRuns(folder, campaign), campaign);
  const report = {
    benchmark: "learning",
    command: [
      `node bench/dist/bench/learning.js --env ${campaign.env} --seeds ${campaign.seeds.join()}`,
      `--steps ${campaign.steps}${target === undefined ? "" : ` --target ${target}`}`,
    ].join(" "),
    ...(note === undefined ? {} : { note }),
    ...(target === undefined ? {} : { target_return: target }),
    cpu: cpus()[0]?.model,
    ...result,
    runs,
  };
  const name = `learning-${campaign.env}`;
  writeResult(`${name}.json`, report);
  writeResult(`${name}.svg`, learningPlot({ ...result, runs }, target));
  const { final_return: final, missing_seeds: missing } = result;
  const seeds = `${final?.count ?? 0} of ${campaign.seeds.length} seeds`;
  console.log(`${campaign.env}: ${final?.mean.toFixed(1)} +- ${final?.std.toFixed(1)}, ${seeds}`);
  if (missing.length > 0) console.log(`not complete: seeds ${missing.join(", ")}`);
}

const found = findRuns(folder, campaign);
const done = (seed: number): boolean =>
  found.some((run) => run.info.seed === seed && isComplete(run, campaign));
const wanted = flags.from === undefined ? campaign.seeds.filter((seed) => !done(seed)) : [];
for (const seed of wanted) {
  await trainSeed(seed);
  await record();
}
if (wanted.length === 0) await record();
