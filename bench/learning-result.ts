import { existsSync, readFileSync } from "node:fs";
import { type ConfigChange, diffConfigs } from "../src/config/diff.ts";
import { parseConfig } from "../src/config/parse.ts";
import type { Versions } from "../src/config/versions.ts";
import { type FoundRun, listRuns } from "../src/learner/find-run.ts";
import { readRunConfig, runPaths } from "../src/learner/run-info.ts";
import { type Summary, summarise } from "../src/math/summary.ts";
import { readEvaluations } from "../src/metrics/evaluations-npz.ts";
import { round } from "./results.ts";

/** What is run: one run for each seed. */
export interface Campaign {
  readonly env: string;
  readonly seeds: readonly number[];
  /** Environment steps of each run. */
  readonly steps: number;
}

/** One seed: where it stands, and its evaluations in the order of their steps. */
export interface SeedResult {
  readonly seed: number;
  readonly complete: boolean;
  readonly env_steps: number;
  readonly learner_steps: number;
  /** Time spent training, evaluations included, over all starts. */
  readonly wall_seconds: number;
  readonly evaluations: {
    readonly steps: readonly number[];
    readonly mean: readonly number[];
    /** Over the episodes of one evaluation. */
    readonly std: readonly number[];
  };
}

/** A campaign's results, in the form of bench/results/learning-*.json. */
export interface LearningResult {
  readonly env: string;
  readonly algorithm: string;
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly missing_seeds: readonly number[];
  /** How each run can be repeated. */
  readonly commands: readonly string[];
  /** `path: default -> value`, of all that may move a curve or its timing. */
  readonly config_differences: readonly string[];
  readonly commits: readonly string[];
  /** Whether any run's source had changes that were not committed. */
  readonly dirty: boolean;
  readonly versions: Versions;
  readonly cpus: number;
  readonly started: string;
  readonly ended: string;
  readonly episodes_per_evaluation: number;
  /** Mean return of the last evaluation: over seeds, of those that are complete; null without any. */
  readonly final_return: Summary | null;
  readonly runs: readonly SeedResult[];
}

/** Fields that a campaign sets on its own account. */
const OWN_FIELDS = /^(env\.id|seed|totalSteps|run\.|metrics\.)/;

/** The campaign's runs in `folder`: the latest of each seed, in the order of the seeds. */
export function findRuns(folder: string, { env, seeds }: Campaign): readonly FoundRun[] {
  const runs = listRuns(folder).filter(({ info }) => info.env === env);
  return seeds.flatMap((seed) => runs.find(({ info }) => info.seed === seed) ?? []);
}

export function isComplete({ info }: FoundRun, { steps }: Campaign): boolean {
  return info.status === "done" && info.envSteps >= steps;
}

/**
 * Puts the result together from run folders.
 * @throws Error when there are no runs, or their configurations differ in more than the seed.
 */
export async function assembleResult(
  runs: readonly FoundRun[],
  campaign: Campaign,
): Promise<LearningResult> {
  const [first] = runs;
  if (!first) throw new Error(`there are no runs of ${campaign.env} yet`);
  const changes = await Promise.all(runs.map(differences));
  const described = changes.map((list) => list.map(describe));
  if (described.some((list) => list.join() !== described[0]?.join())) {
    throw new Error(`the runs' configurations differ: ${JSON.stringify(described)}`);
  }
  const results = runs.map((run) => seedResult(run, campaign));
  const complete = results.filter((result) => result.complete);
  const finals = complete.map(({ evaluations }) => evaluations.mean.at(-1) ?? Number.NaN);
  const infos = runs.map(({ info }) => info);
  return {
    env: campaign.env,
    algorithm: first.info.algorithm,
    steps: campaign.steps,
    seeds: campaign.seeds,
    missing_seeds: campaign.seeds.filter((seed) => complete.every((run) => run.seed !== seed)),
    commands: infos.map(({ seed }, i) => trainCommand({ ...campaign, seed }, changes[i] ?? [])),
    config_differences: described[0] ?? [],
    commits: [...new Set(infos.map(({ git }) => git?.commit ?? "unknown"))],
    dirty: infos.some(({ git }) => git?.dirty ?? true),
    versions: first.info.versions,
    cpus: first.info.host.cpus,
    started: infos.map(({ createdAt }) => createdAt).sort()[0] ?? "",
    ended:
      infos
        .map(({ updatedAt }) => updatedAt)
        .sort()
        .at(-1) ?? "",
    episodes_per_evaluation: (await readRunConfig(first.path)).evaluation.episodes,
    final_return: finals.length > 0 ? rounded(summarise(finals)) : null,
    runs: results,
  };
}

function rounded({ count, mean, std, min, max }: Summary): Summary {
  return { count, mean: round(mean), std: round(std), min: round(min), max: round(max) };
}

async function differences({ path }: FoundRun): Promise<readonly ConfigChange[]> {
  const changes = diffConfigs(parseConfig({}), await readRunConfig(path));
  return changes.filter((change) => !OWN_FIELDS.test(change.path));
}

function describe({ path, before, after }: ConfigChange): string {
  return `${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
}

/** The command line that makes such a run. */
export function trainCommand(
  { env, seed, steps }: { env: string; seed: number; steps: number },
  changes: readonly Pick<ConfigChange, "path" | "after">[],
): string {
  const settings = changes.map(({ path, after }) => ` --set ${path}=${yaml(after)}`);
  return `npx troupe train ${env} --seed ${seed} --total-steps ${steps}${settings.join("")}`;
}

function yaml(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function seedResult(run: FoundRun, campaign: Campaign): SeedResult {
  const { evaluations, metrics } = runPaths(run.path);
  const entries = readEvaluations(evaluations);
  const summaries = entries.map(({ returns }) => summarise(returns));
  return {
    seed: run.info.seed,
    complete: isComplete(run, campaign),
    env_steps: run.info.envSteps,
    learner_steps: run.info.learnerSteps,
    wall_seconds: Math.round(wallSeconds(metrics)),
    evaluations: {
      steps: entries.map(({ step }) => step),
      mean: summaries.map(({ mean }) => round(mean, 2)),
      std: summaries.map(({ std }) => round(std, 2)),
    },
  };
}

/** Time spent training: the clock of metrics.jsonl begins anew with every start. */
function wallSeconds(path: string): number {
  if (!existsSync(path)) return 0;
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  let [total, last] = [0, 0];
  for (const line of lines) {
    const elapsed = (JSON.parse(line) as Record<string, number>)["time/time_elapsed"] ?? 0;
    total += elapsed < last ? elapsed : elapsed - last;
    last = elapsed;
  }
  return total;
}
