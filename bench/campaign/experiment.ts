import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { diffConfigs } from "../../src/config/diff.ts";
import { count } from "../../src/config/fields.ts";
import { loadConfig, parseSetFlag } from "../../src/config/load.ts";
import { didYouMean } from "../../src/config/nearest.ts";
import type { Config } from "../../src/config/schema.ts";

const setting = z.string().regex(/^[\w.]+=/, { error: "must be path=value, as after --set" });
const name = z.string().regex(/^[\w.-]+$/, { error: "may hold letters, digits and . _ -" });

const experimentSchema = z.strictObject({
  question: z.string().min(1),
  /** The id of a registered environment, or the path of a file. */
  env: z.string().min(1),
  /** Environment steps of each run. */
  steps: count(1),
  seeds: z.array(z.int().nonnegative()).min(1),
  /** Environment steps between evaluations. */
  evaluateEvery: count(1),
  /** Of every arm, before its own. */
  settings: z.array(setting).default([]),
  /** What is compared: the settings of each, by its name. */
  arms: z
    .record(name, z.array(setting))
    .refine((arms) => Object.keys(arms).length > 0, { error: "must name at least one arm" }),
  /** Of the mean over seeds of the last evaluation's mean return. */
  target: z.strictObject({ atLeast: z.number(), source: z.string().min(1) }).optional(),
});
const fileSchema = z.record(name, experimentSchema);

/** One question, answered by runs that differ in an arm's settings and in the seed. */
export type Experiment = z.infer<typeof experimentSchema> & { readonly id: string };

/** One run that an experiment needs. */
export interface PlannedRun {
  /** `<experiment>-<arm>-s<seed>`. */
  readonly name: string;
  readonly arm: string;
  readonly seed: number;
  readonly config: Config;
  /** How anybody can repeat it. */
  readonly command: string;
  /** After `troupe`. */
  readonly argv: readonly string[];
  /** The same for runs that are the same, of whichever experiment. */
  readonly key: string;
}

/** What every run is told besides: two of them share a machine better with a thread each. */
const SETTINGS = ["learner.threads=1", "metrics.logIntervalSeconds=30"];

/** Fields that say how a run is kept or where other fields come from, and do not change what it is. */
const KEEPING = /^(preset$|(run|metrics|checkpoint|cluster)\.)/;

/** @throws Error naming the file and every bad field. */
export function readExperiments(file: string): readonly Experiment[] {
  const result = fileSchema.safeParse(parse(readFileSync(file, "utf8")));
  if (!result.success) throw new Error(`${file}:\n${z.prettifyError(result.error)}`);
  return Object.entries(result.data).map(([id, experiment]) => ({ id, ...experiment }));
}

/** The experiments of that names; all without any. @throws Error for one that there is not. */
export function selectExperiments(
  experiments: readonly Experiment[],
  ids: readonly string[],
): readonly Experiment[] {
  const known = experiments.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new Error(`there is no experiment ${unknown}${didYouMean(unknown, known)}`);
  }
  return experiments.filter(({ id }) => ids.length === 0 || ids.includes(id));
}

/** Its runs in the order in which they are due, so that arms can be compared from the first seed on. */
export async function planRuns(experiment: Experiment): Promise<readonly PlannedRun[]> {
  const pairs = experiment.seeds.flatMap((seed) =>
    Object.entries(experiment.arms).map(([arm, settings]) => ({ arm, seed, settings })),
  );
  return await Promise.all(pairs.map((pair) => planRun(experiment, pair)));
}

async function planRun(
  experiment: Experiment,
  { arm, seed, settings }: { arm: string; seed: number; settings: readonly string[] },
): Promise<PlannedRun> {
  const { id, env, steps, evaluateEvery } = experiment;
  const all = [
    ...experiment.settings,
    ...settings,
    `evaluation.interval=${evaluateEvery}`,
    ...SETTINGS,
  ];
  const flags = [`env.id=${env}`, `seed=${seed}`, `totalSteps=${steps}`, ...all].map(parseSetFlag);
  const { config } = await loadConfig({ flags });
  const plain = ["train", env, "--seed", String(seed), "--total-steps", String(steps)];
  const argv = [...plain, ...all.flatMap((text) => ["--set", text])];
  const key = createHash("sha256")
    .update(JSON.stringify(essence(config)))
    .digest("hex");
  const command = `npx troupe ${argv.map(quoted).join(" ")}`;
  return { name: `${id}-${arm}-s${seed}`, arm, seed, config, command, argv, key: key.slice(0, 16) };
}

/** Whether two configurations make the same run, whatever it is called and wherever it is kept. */
export function isSameRun(a: Config, b: Config): boolean {
  return diffConfigs(a, b).every(({ path }) => KEEPING.test(path));
}

/** For a shell. */
function quoted(argument: string): string {
  return /^[\w./=:,+-]+$/.test(argument) ? argument : `'${argument}'`;
}

function essence({ preset, run, metrics, checkpoint, cluster, ...rest }: Config): object {
  return rest;
}
