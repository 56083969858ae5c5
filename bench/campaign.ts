/**
 * Question: does it learn, how well, how much do seeds differ, and what does an option change?
 *
 * Trains what is missing of the experiments in bench/experiments.yaml, each run by `troupe train`, and after
 * each run that is complete writes its experiment's bench/results/ID.json and .svg, and with --commit commits
 * these two files alone. Ctrl-C stops the runs, which write a checkpoint; the next start goes on with them. Runs
 * that a result holds are not started again, nor those whose folders are in --runs, whoever made them and
 * however they are called; any number of campaigns may share that folder.
 *
 *     npm run build && npx tsc -p bench
 *     node bench/dist/bench/campaign.js [--only ID]... [--jobs 1] [--runs runs/campaign] [--commit]
 *       [--list | --dry-run | --collect] [--note TEXT] [--experiments FILE] [--results DIR]
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../src/cli/table.ts";
import { Campaign } from "./campaign/campaign.ts";
import { planRuns, readExperiments, selectExperiments } from "./campaign/experiment.ts";
import { RunShelf } from "./campaign/find-runs.ts";
import { ResultFolder } from "./campaign/result.ts";
import { repository } from "./results.ts";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    jobs: { type: "string", default: "1" },
    runs: { type: "string", default: join(repository, "runs", "campaign") },
    commit: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    "dry-run": { type: "boolean", default: false },
    collect: { type: "boolean", default: false },
    note: { type: "string" },
    experiments: { type: "string", default: join(repository, "bench", "experiments.yaml") },
    results: { type: "string", default: join(repository, "bench", "results") },
  },
});
const jobs = Number(flags.jobs);
if (!Number.isInteger(jobs) || jobs < 1) {
  throw new Error(`--jobs ${flags.jobs}: must be a whole number of at least 1`);
}
const experiments = selectExperiments(readExperiments(flags.experiments), flags.only);
const [runs, results] = [resolve(flags.runs), resolve(flags.results)];
const campaign = new Campaign({
  experiments,
  runs,
  results,
  jobs,
  commit: flags.commit,
  note: flags.note,
  cli: join(repository, "dist", "cli.js"),
  report: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
});

/** Every run and where it stands. */
async function list(): Promise<void> {
  const [shelf, folder] = [new RunShelf(runs), new ResultFolder(results)];
  const rows: string[][] = [["run", "state", "final return"]];
  for (const experiment of experiments) {
    for (const run of await planRuns(experiment)) {
      const known = folder.anyRunResult(run);
      const state = known ? "recorded" : await shelf.state(run);
      rows.push([run.name, state, known ? known.final_return.toFixed(1) : ""]);
    }
  }
  console.log(table(rows));
}

async function train(): Promise<void> {
  let first: NodeJS.Signals | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (first === undefined) console.log(`${signal}: waiting for checkpoints`);
      first ??= signal;
      campaign.stop(signal);
    });
  }
  const { completed, failed, elsewhere } = await campaign.run();
  console.log(
    `${completed.length} runs completed, ${failed.length} failed, ${elsewhere.length} elsewhere`,
  );
  if (failed.length > 0) process.exitCode = 1;
  if (first !== undefined) process.exitCode = first === "SIGINT" ? 130 : 75;
}

if (flags.list) await list();
else if (flags["dry-run"]) for (const { command } of await campaign.due()) console.log(command);
else if (flags.collect) await campaign.collect();
else await train();
