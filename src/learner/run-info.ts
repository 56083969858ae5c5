import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../config/load.ts";
import type { Machine } from "../config/machine.ts";
import type { Config } from "../config/schema.ts";
import { readVersions, type Versions } from "../config/versions.ts";
import { RunError } from "../errors.ts";
import type { SourceState } from "./source-state.ts";

export type RunStatus = "running" | "done" | "failed" | "interrupted";

/** run.json: what a run is and how far it got. */
export interface RunInfo {
  /** The folder's name. */
  readonly id: string;
  readonly status: RunStatus;
  readonly env: string;
  readonly algorithm: string;
  readonly seed: number;
  /** Starts of a learner on this run. */
  readonly term: number;
  /** Of the last start. */
  readonly commandLine: readonly string[];
  readonly versions: Versions;
  readonly host: { readonly name: string } & Machine;
  /** Commit of the source tree it was started from, and whether git.diff holds more. */
  readonly git: { readonly commit: string; readonly dirty: boolean } | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly envSteps: number;
  readonly learnerSteps: number;
  readonly episodes: number;
  readonly best: { readonly meanReturn: number; readonly envSteps: number } | null;
  /** Where Prometheus may scrape while it runs. */
  readonly metricsUrl: string | null;
  /** HOST:PORT that actors connect to while it runs, if it is a cluster's learner. */
  readonly address: string | null;
  /** Why it failed. */
  readonly error: string | null;
}

/** What changes while a run goes on. */
export type RunChange = Partial<
  Pick<
    RunInfo,
    | "status"
    | "envSteps"
    | "learnerSteps"
    | "episodes"
    | "best"
    | "metricsUrl"
    | "address"
    | "error"
  >
>;

export interface RunStart {
  readonly config: Config;
  readonly machine: Machine;
  readonly commandLine: readonly string[];
  readonly now: Date;
}

/** The paths of a run folder. */
export function runPaths(folder: string) {
  return {
    config: join(folder, "config.yaml"),
    info: join(folder, "run.json"),
    diff: join(folder, "git.diff"),
    log: join(folder, "log.jsonl"),
    metrics: join(folder, "metrics.jsonl"),
    progress: join(folder, "progress.csv"),
    tensorboard: join(folder, "tb"),
    monitor: (actor: number) => join(folder, "monitor", `${actor}.monitor.csv`),
    evaluations: join(folder, "evaluations.npz"),
    checkpoints: join(folder, "checkpoints"),
    evaluation: join(folder, "eval"),
    envFailures: join(folder, "env-failures"),
    export: join(folder, "export"),
  };
}

/** @throws RunError RUN_NOT_FOUND when the folder is none of a run. */
export function readRunInfo(folder: string): RunInfo {
  try {
    return JSON.parse(readFileSync(runPaths(folder).info, "utf8")) as RunInfo;
  } catch (thrown) {
    throw new RunError(
      "RUN_NOT_FOUND",
      `${folder} is not a run folder: it has no readable run.json`,
      {
        cause: thrown,
      },
    );
  }
}

/** The configuration a run was last started with. @throws RunError CONFIG_INVALID */
export async function readRunConfig(folder: string): Promise<Config> {
  return (await loadConfig({ file: runPaths(folder).config })).config;
}

/** `<env>__<algorithm>__<seed>__<YYYYMMDD-HHMMSS>` unless it has a name of its own. */
export function runName({ env, algorithm, seed, run }: Config, now: Date): string {
  if (run.name !== "auto") return run.name;
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const safeEnv = env.id.replaceAll(/[^A-Za-z0-9.=+-]+/g, "-").replace(/^[-.]+/, "");
  return `${safeEnv}__${algorithm.name}__${seed}__${date}-${time}`;
}

/** Of a run that begins. */
export function newRunInfo(id: string, start: RunStart, source?: SourceState): RunInfo {
  const { config, machine, commandLine, now } = start;
  return {
    id,
    status: "running",
    env: config.env.id,
    algorithm: config.algorithm.name,
    seed: config.seed,
    term: 1,
    commandLine,
    versions: readVersions(),
    host: { name: hostname(), ...machine },
    git: source ? { commit: source.commit, dirty: source.diff !== "" } : null,
    createdAt: now.toISOString(),
    startedAt: now.toISOString(),
    updatedAt: now.toISOString(),
    envSteps: 0,
    learnerSteps: 0,
    episodes: 0,
    best: null,
    metricsUrl: null,
    address: null,
    error: null,
  };
}

/** The text of run.json. */
export function encodeRunInfo(info: RunInfo): string {
  return `${JSON.stringify(info, null, 2)}\n`;
}
