import { type DerivedSettings, deriveSettings, type RunRole } from "../config/derive.ts";
import { describeChange, diffConfigs } from "../config/diff.ts";
import { readMachine } from "../config/machine.ts";
import { parseConfig } from "../config/parse.ts";
import type { Config, ConfigInput } from "../config/schema.ts";
import { isExternal } from "../envs/external.ts";
import { openEnv } from "../envs/registry.ts";
import { RunError } from "../errors.ts";
import type { LearnerResult } from "../learner/learner-task.ts";
import type { ReadyEvent } from "../learner/learner-thread.ts";
import { RunFolder } from "../learner/run-folder.ts";
import { type RunStart, readRunConfig } from "../learner/run-info.ts";
import type { Logger } from "../metrics/log.ts";
import type { Progress, ProgressContext } from "../metrics/progress.ts";
import type { ActingSide } from "./acting-side.ts";
import { LocalActors } from "./local-actors.ts";
import { Run, type RunOptions } from "./run.ts";
import { RunReport } from "./run-report.ts";

/** How a run is started, besides its configuration. */
export interface TrainOptions {
  /** Aborting it asks for an orderly stop: last update, checkpoint, return. */
  readonly signal?: AbortSignal;
  /** Go on with the run in this folder instead of starting one. */
  readonly resume?: string;
  /** Told of each evaluation, a good moment to abort `signal`. */
  readonly onEvaluation?: (evaluation: Evaluation) => void;
  /** Told where a cluster's learner can be reached, HOST:PORT. */
  readonly onListening?: (address: string) => void;
  /** Recorded in run.json. */
  readonly commandLine?: readonly string[];
  /** Where the run's log lines go; nowhere by default. */
  readonly openLog?: (folder: RunFolder) => Logger;
  /** How progress is shown; not at all by default. */
  readonly openProgress?: (context: ProgressContext) => Progress;
}

/** What the policy was worth after `envSteps`. */
export interface Evaluation {
  readonly envSteps: number;
  /** Of raw rewards, over the evaluation's episodes. */
  readonly meanReturn: number;
  readonly stdReturn: number;
}

export interface TrainResult extends LearnerResult {
  /** The run folder. */
  readonly folder: string;
  /** Mean return of the best evaluation, or null when there was none. */
  readonly bestReturn: number | null;
}

/**
 * Trains until `totalSteps` environment steps, on this machine.
 *
 *     const { folder } = await train({ env: { id: "Hopper-v5" }, totalSteps: 100_000 });
 *
 * @param config Any part of a configuration; what is left out keeps its default (docs/config.md).
 * @throws RunError CONFIG_INVALID, ENV_UNKNOWN, RUN_EXISTS, RUN_NOT_FOUND, RUN_LOCKED before anything is
 *   written; later what the run failed with: ACTOR_CRASHED, TRAINING_DIVERGED, DISK_FULL, OUT_OF_MEMORY.
 */
export function train(config: ConfigInput, options: TrainOptions = {}): Promise<TrainResult> {
  return startRun(config, options, "local");
}

/**
 * Trains like `train`, with actors on any machine: they connect to `cluster.listen` (docs/cluster.md).
 *
 * @throws RunError what `train` does, and PORT_IN_USE.
 */
export function trainCluster(
  config: ConfigInput,
  options: TrainOptions = {},
): Promise<TrainResult> {
  return startRun(config, options, "cluster");
}

async function startRun(
  config: ConfigInput,
  options: TrainOptions,
  role: RunRole,
): Promise<TrainResult> {
  const parsed = parseConfig(config);
  if (role === "cluster" && parsed.deterministic) {
    throw new RunError(
      "CONFIG_INVALID",
      "deterministic is true, but actors on other machines come when they come; use `troupe train`",
    );
  }
  const machine = readMachine();
  const settings = deriveSettings(parsed, machine, role);
  checkExternal(parsed, settings);
  const spaces = await probeEnv(parsed);
  if (role === "cluster") await checkListening(parsed);
  const start = {
    config: parsed,
    machine,
    commandLine: options.commandLine ?? [],
    now: new Date(),
  };
  const changes = options.resume ? await changesSince(options.resume, parsed) : [];
  using folder = options.resume ? RunFolder.resume(options.resume, start) : RunFolder.create(start);
  try {
    return await trainIn(folder, { start, settings, spaces, changes, options });
  } catch (thrown) {
    const isOurs = RunError.from(thrown).code !== "INTERNAL";
    if (options.resume === undefined && isOurs && !folder.hasBegun) folder.discard();
    throw thrown;
  }
}

/** @throws RunError CONFIG_INVALID before anything is made. */
async function checkListening(config: Config): Promise<void> {
  const { listenAddress } = await import("./cluster-actors.ts");
  listenAddress(config);
}

interface Prepared {
  readonly start: RunStart;
  readonly settings: DerivedSettings;
  readonly spaces: Pick<RunOptions, "observationSize" | "image" | "actionSpace">;
  readonly changes: readonly string[];
  readonly options: TrainOptions;
}

async function trainIn(folder: RunFolder, prepared: Prepared): Promise<TrainResult> {
  const { settings, spaces, changes, options } = prepared;
  const { config } = prepared.start;
  await using report = await RunReport.open(folder, {
    config,
    settings,
    onEvaluation: options.onEvaluation,
    onListening: options.onListening,
    log: options.openLog?.(folder),
    progress: options.openProgress?.({
      run: folder.info.id,
      env: config.env.id,
      algorithm: config.algorithm.name,
      totalSteps: config.totalSteps,
    }),
  });
  report.changed(changes);
  try {
    await using run = new Run({
      config,
      settings,
      folder: folder.path,
      term: folder.term,
      resume: options.resume !== undefined,
      ...spaces,
      registry: report.registry,
      observer: report,
      openActors: (ready, run) => openActors(ready, { run, report, folder, prepared }),
    });
    report.watch(run);
    const result = await run.run(options.signal ?? new AbortController().signal);
    report.finished(result);
    return { ...result, folder: folder.path, bestReturn: folder.info.best?.meanReturn ?? null };
  } catch (thrown) {
    report.failed(RunError.from(thrown));
    throw thrown;
  }
}

interface Opening {
  readonly run: Run;
  readonly report: RunReport;
  readonly folder: RunFolder;
  readonly prepared: Prepared;
}

async function openActors(ready: ReadyEvent, opening: Opening): Promise<ActingSide> {
  const { run, report, folder, prepared } = opening;
  const { settings, spaces, start } = prepared;
  const { registry } = report;
  const common = { config: start.config, term: folder.term, registry };
  if (settings.role === "local") {
    return new LocalActors(ready, {
      ...common,
      actors: settings.actors,
      onEpisode: run.guard((slot, end) => report.onEpisode(slot, end)),
      onEnvFailure: run.guard((failure) => report.onEnvFailure(failure)),
      onCrash: run.guard((crash) => report.onCrash(crash)),
    });
  }
  // Loads gRPC, which a run on one machine does without.
  const { ClusterActors } = await import("./cluster-actors.ts");
  return await ClusterActors.open(ready, {
    ...common,
    ...spaces,
    settings,
    folder: folder.path,
    runId: folder.info.id,
    observer: {
      onListening: run.guard((address) => report.onListening(address)),
      onEpisode: run.guard((slot, end) => report.onEpisode(slot, end)),
      onEnvFailure: run.guard((failure) => report.onEnvFailure(failure)),
      onLog: (level, message) => report.onLog(level, message),
      checkpoint: () => run.checkpoint(),
      requestStop: () => run.requestStop(),
    },
  });
}

/**
 * What the configuration of a resumed run changes.
 * @throws RunError CHECKPOINT_INCOMPATIBLE naming every change that would make it another run.
 */
async function changesSince(folder: string, config: Config): Promise<readonly string[]> {
  const changes = diffConfigs(await readRunConfig(folder), config);
  if (changes.every(({ safe }) => safe)) return changes.map(describeChange);
  const lines = changes.map((change) => `  ${describeChange(change)}`);
  throw new RunError(
    "CHECKPOINT_INCOMPATIBLE",
    `${folder} cannot go on with a configuration that differs so:\n${lines.join("\n")}`,
  );
}

/** @throws RunError CONFIG_INVALID when this process would have to step an environment that it has not. */
function checkExternal({ env, evaluation }: Config, { role, actors }: DerivedSettings): void {
  if (!isExternal(env.id)) return;
  const problems: readonly (readonly [boolean, string])[] = [
    [role === "local", "`troupe train` acts in this process; use `troupe learner`"],
    [
      actors > 0,
      `cluster.localActors is ${actors}, but only actors elsewhere have it; set it to 0`,
    ],
    [evaluation.interval > 0, "evaluations would be made here; set evaluation.interval to 0"],
  ];
  const problem = problems.find(([applies]) => applies)?.[1];
  if (problem) throw new RunError("CONFIG_INVALID", `${env.id}: ${problem}`);
}

/** Makes one environment to see what it is, so that a bad id or option fails before anything starts. */
async function probeEnv({ env: { id, options }, deterministic }: Config) {
  const env = await openEnv(id, options);
  const { observationSpace, actionSpace } = env;
  env.close();
  if (deterministic && !(env.snapshot && env.restore)) {
    throw new RunError(
      "CONFIG_INVALID",
      `${id} has no snapshot() and restore(), which deterministic runs need; set deterministic to false`,
    );
  }
  const { size: observationSize, image } = observationSpace;
  return { observationSize, image, actionSpace };
}
