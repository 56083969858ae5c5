import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { hostname, cpus as listCpus } from "node:os";
import { join } from "node:path";
import { diffConfigs } from "../../src/config/diff.ts";
import { parseConfig } from "../../src/config/parse.ts";
import type { FoundRun } from "../../src/learner/find-run.ts";
import { runPaths } from "../../src/learner/run-info.ts";
import { type Summary, summarise } from "../../src/math/summary.ts";
import { readEvaluations } from "../../src/metrics/evaluations-npz.ts";
import { resultText, round } from "../results.ts";
import { type Experiment, type PlannedRun, planRuns } from "./experiment.ts";
import { isComplete, type RunShelf, wallSeconds } from "./find-runs.ts";
import { experimentPlot } from "./plot.ts";

/** A run that is complete. */
export interface RunResult {
  readonly seed: number;
  /** How it can be repeated; a result of another command is of another run. */
  readonly command: string;
  readonly commit: string;
  /** Whether the source had changes that were not committed. */
  readonly dirty: boolean;
  readonly versions: string;
  readonly machine: string;
  readonly started: string;
  readonly ended: string;
  readonly env_steps: number;
  readonly learner_steps: number;
  /** Time spent training, evaluations included, over all starts. */
  readonly wall_seconds: number;
  /** Processes that wanted a CPU, the mean over that time; null for a run that no campaign watched. */
  readonly load_average: number | null;
  /** Mean returns of the last and of the best evaluation. */
  readonly final_return: number;
  readonly best_return: number;
  readonly evaluations: {
    readonly steps: readonly number[];
    readonly mean: readonly number[];
    /** Over the episodes of one evaluation. */
    readonly std: readonly number[];
  };
}

/** Over seeds, evaluation by evaluation as far as all go. */
export interface Curve {
  readonly steps: readonly number[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly min: readonly number[];
  readonly max: readonly number[];
}

export interface ArmResult {
  readonly arm: string;
  /** `path: default -> value`, of all that may move a curve or its timing. */
  readonly config_differences: readonly string[];
  /** Over seeds; null without any. */
  readonly final_return: Summary | null;
  readonly best_return: Summary | null;
  /** Null until all seeds are there, or without a target. */
  readonly target_met: boolean | null;
  readonly curve: Curve;
  readonly runs: readonly RunResult[];
}

/** What is known of an experiment, in the form of bench/results/<id>.json. */
export interface ExperimentResult {
  readonly experiment: string;
  readonly question: string;
  readonly command: string;
  readonly note?: string;
  readonly env: string;
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly episodes_per_evaluation: number;
  readonly target: { readonly at_least: number; readonly source: string } | null;
  /** `<arm> seed <seed>` of the runs that are not complete. */
  readonly missing: readonly string[];
  readonly arms: readonly ArmResult[];
}

/** Fields that differ from run to run, or are said elsewhere in a result. */
const OWN_FIELDS = /^(env\.id|seed|totalSteps|preset|(run|metrics|checkpoint|cluster)\.)/;

/** Where results are kept, one JSON file and one plot for each experiment. */
export class ResultFolder {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Undefined while there is none. */
  read({ id }: Pick<Experiment, "id">): ExperimentResult | undefined {
    const file = join(this.folder, `${id}.json`);
    if (!existsSync(file)) return undefined;
    return JSON.parse(readFileSync(file, "utf8")) as ExperimentResult;
  }

  /** The run's result in that of an experiment. */
  runResult(experiment: Pick<Experiment, "id">, { command }: PlannedRun): RunResult | undefined {
    // Other benchmarks keep their results here, too.
    const arms = this.read(experiment)?.arms ?? [];
    return arms.flatMap(({ runs }) => runs).find((run) => run.command === command);
  }

  /** The run's result in that of any: it need not be made again, wherever its folder is. */
  anyRunResult(planned: PlannedRun): RunResult | undefined {
    if (!existsSync(this.folder)) return undefined;
    for (const name of readdirSync(this.folder).toSorted()) {
      if (!name.endsWith(".json")) continue;
      const found = this.runResult({ id: name.slice(0, -".json".length) }, planned);
      if (found) return found;
    }
    return undefined;
  }

  /** The result's own and its plot's. */
  files({ experiment }: ExperimentResult): readonly [json: string, plot: string] {
    return [join(this.folder, `${experiment}.json`), join(this.folder, `${experiment}.svg`)];
  }

  /** Writes the result and its plot. */
  write(result: ExperimentResult): void {
    mkdirSync(this.folder, { recursive: true });
    const [json, plot] = this.files(result);
    replace(json, `${resultText(result)}\n`);
    replace(plot, experimentPlot(result));
  }
}

/**
 * Puts together what the results already hold and what the run folders add.
 * @param note Kept with the result; without one that of the result before.
 */
export async function assembleResult(
  experiment: Experiment,
  { shelf, results, note }: { shelf: RunShelf; results: ResultFolder; note?: string | undefined },
): Promise<ExperimentResult> {
  const planned = await planRuns(experiment);
  const known = new Map<PlannedRun, RunResult>();
  for (const run of planned) {
    const found =
      results.runResult(experiment, run) ??
      (await completeRun(shelf, run)) ??
      results.anyRunResult(run);
    if (found) known.set(run, found);
  }
  const arms = Object.keys(experiment.arms).map((arm) => {
    const ofArm = planned.filter((run) => run.arm === arm);
    return armResult(experiment, ofArm, known);
  });
  const remark = note ?? results.read(experiment)?.note;
  const { id, question, env, steps, seeds, target } = experiment;
  return {
    experiment: id,
    question,
    command: `node bench/dist/bench/campaign.js --only ${id}`,
    ...(remark === undefined ? {} : { note: remark }),
    env,
    steps,
    seeds,
    episodes_per_evaluation: planned[0]?.config.evaluation.episodes ?? 0,
    target: target ? { at_least: target.atLeast, source: target.source } : null,
    missing: planned.filter((run) => !known.has(run)).map(({ arm, seed }) => `${arm} seed ${seed}`),
    arms,
  };
}

async function completeRun(shelf: RunShelf, planned: PlannedRun): Promise<RunResult | undefined> {
  const run = await shelf.find(planned);
  return run && isComplete(run, planned) ? runResult(run, planned, shelf) : undefined;
}

function armResult(
  { target }: Experiment,
  planned: readonly PlannedRun[],
  known: ReadonlyMap<PlannedRun, RunResult>,
): ArmResult {
  const runs = planned.flatMap((run) => known.get(run) ?? []);
  const final = summary(runs.map(({ final_return }) => final_return));
  const isDecided = final !== null && target !== undefined && runs.length === planned.length;
  return {
    arm: planned[0]?.arm ?? "",
    config_differences: planned.slice(0, 1).flatMap(differences),
    final_return: final,
    best_return: summary(runs.map(({ best_return }) => best_return)),
    target_met: isDecided ? final.mean >= target.atLeast : null,
    curve: meanCurve(runs),
    runs,
  };
}

function runResult(run: FoundRun, planned: PlannedRun, shelf: RunShelf): RunResult {
  const { info, path } = run;
  const entries = readEvaluations(runPaths(path).evaluations);
  const summaries = entries.map(({ returns }) => summarise(returns));
  const means = summaries.map(({ mean }) => round(mean, 2));
  const model = info.host.name === hostname() ? `${listCpus()[0]?.model}, ` : "";
  return {
    seed: info.seed,
    command: planned.command,
    commit: info.git?.commit ?? "unknown",
    dirty: info.git?.dirty ?? true,
    versions: Object.entries(info.versions).flat().join(" "),
    machine: `${model}${info.host.cpus} CPUs`,
    started: info.createdAt,
    ended: info.updatedAt,
    env_steps: info.envSteps,
    learner_steps: info.learnerSteps,
    wall_seconds: Math.round(wallSeconds(run)),
    load_average: shelf.load(planned),
    final_return: means.at(-1) ?? Number.NaN,
    best_return: Math.max(...means),
    evaluations: {
      steps: entries.map(({ step }) => step),
      mean: means,
      std: summaries.map(({ std }) => round(std, 2)),
    },
  };
}

/** In one go, so that nobody reads or commits half of it. */
function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}

export function meanCurve(runs: readonly RunResult[]): Curve {
  const count = Math.min(...runs.map(({ evaluations }) => evaluations.steps.length));
  const rows = Array.from({ length: runs.length > 0 ? count : 0 }, (_, i) => ({
    step: summarise(runs.map(({ evaluations }) => evaluations.steps[i] ?? Number.NaN)).mean,
    value: summarise(runs.map(({ evaluations }) => evaluations.mean[i] ?? Number.NaN)),
  }));
  const column = (key: "mean" | "std" | "min" | "max"): readonly number[] =>
    rows.map(({ value }) => round(value[key], 2));
  return {
    steps: rows.map(({ step }) => Math.round(step)),
    mean: column("mean"),
    std: column("std"),
    min: column("min"),
    max: column("max"),
  };
}

function summary(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  const { count, mean, std, min, max } = summarise(values);
  return { count, mean: round(mean), std: round(std), min: round(min), max: round(max) };
}

function differences({ config }: PlannedRun): readonly string[] {
  return diffConfigs(parseConfig({}), config)
    .filter(({ path }) => !OWN_FIELDS.test(path))
    .map(({ path, before, after }) => {
      return `${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
    });
}

/** `off: 0.0, on: 365.3 ± 12.0 (2 of 5 seeds)`. */
export function describeArm({ arm, final_return: final }: ArmResult, seeds: number): string {
  if (final === null) return `${arm}: none of ${seeds} seeds`;
  const { count, mean, std } = final;
  return `${arm}: ${mean.toFixed(1)} ± ${std.toFixed(1)} (${count} of ${seeds} seeds)`;
}
