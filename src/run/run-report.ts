import type { ActorCrash } from "../actors/actor-pool.ts";
import { crashFault, type EnvFault, episodeFault } from "../actors/env-fault.ts";
import type { EpisodeEnd } from "../actors/env-stream.ts";
import type { DerivedSettings } from "../config/derive.ts";
import type { Config } from "../config/schema.ts";
import { readVersions } from "../config/versions.ts";
import type { EnvFailure } from "../envs/failure/env-failure.ts";
import { saveFailure } from "../envs/failure/failure-folder.ts";
import { RunError } from "../errors.ts";
import { type EpisodeResult, MAX_EVALUATION_STEPS } from "../learner/evaluation.ts";
import type { LearnerEvent, LearnerResult, PolicySnapshot } from "../learner/learner-task.ts";
import type { ReadyEvent } from "../learner/learner-thread.ts";
import type { RunFolder } from "../learner/run-folder.ts";
import type { RunChange } from "../learner/run-info.ts";
import { summarise } from "../math/summary.ts";
import type { MetricRole } from "../metrics/definitions.ts";
import type { Logger } from "../metrics/log.ts";
import type { Progress } from "../metrics/progress.ts";
import { MetricsRegistry } from "../metrics/registry.ts";
import { RunLog } from "../metrics/run-log.ts";
import { type MetricsServer, startMetricsServer } from "../metrics/server.ts";
import { DiskWatch } from "./disk-watch.ts";
import type { Run, RunObserver } from "./run.ts";
import { RunFiles } from "./run-files.ts";
import type { TrainOptions } from "./train.ts";

export interface RunReportOptions {
  readonly config: Config;
  readonly settings: DerivedSettings;
  readonly onEvaluation: TrainOptions["onEvaluation"];
  readonly onListening: TrainOptions["onListening"];
  readonly log: Logger | undefined;
  readonly progress: Progress | undefined;
}

/** An update or a checkpoint may take a while; longer than this, none does. */
const MAX_SILENCE_SECONDS = 60;

/** Of a process that has ended. */
const NOT_SERVED = { metricsUrl: null, address: null };

/** What a run shows and writes besides its checkpoints: log, curves, Prometheus metrics, run.json. */
export class RunReport implements RunObserver, AsyncDisposable {
  readonly registry: MetricsRegistry;
  readonly #folder: RunFolder;
  readonly #options: RunReportOptions;
  readonly #disk: DiskWatch;
  #server: MetricsServer | undefined;
  #files: RunFiles | undefined;
  #runLog: RunLog | undefined;
  #run: Run | undefined;
  #timer: NodeJS.Timeout | undefined;
  #learnerStep = 0;
  #episodes: number;
  #heardAt = performance.now();
  #waiting = "starting";

  private constructor(folder: RunFolder, options: RunReportOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#disk = new DiskWatch((level, message) => this.onLog(level, message));
    this.registry = new MetricsRegistry(rolesOf(options.settings));
    this.#episodes = folder.info.episodes;
  }

  /** @throws RunError PORT_IN_USE */
  static async open(folder: RunFolder, options: RunReportOptions): Promise<RunReport> {
    const report = new RunReport(folder, options);
    const { port, host } = options.config.metrics;
    if (port !== "off") {
      const server = await startMetricsServer({
        registry: report.registry,
        host,
        port: port === "auto" ? 0 : port,
        health: () => report.#health(),
      });
      report.#server = server;
      folder.update({ metricsUrl: server.url });
      options.log?.info({ url: server.url }, "metrics for Prometheus");
    }
    report.#describe();
    return report;
  }

  /** Says what a resumed run's configuration has changed, a line each. */
  changed(changes: readonly string[]): void {
    for (const change of changes) this.#options.log?.info(`configuration changed: ${change}`);
  }

  /** Reports `run` from now on. */
  watch(run: Run): void {
    this.#run = run;
  }

  onReady(ready: ReadyEvent): void {
    const { config, settings, log } = this.#options;
    const { envSteps, learnerStep, warnings } = ready;
    for (const warning of warnings) log?.warn(warning);
    this.#files = new RunFiles(this.#folder, {
      disk: this.#disk,
      envId: config.env.id,
      resumeStep: envSteps,
    });
    this.#runLog = new RunLog({
      registry: this.registry,
      sink: this.#files,
      actors: () => this.#run?.actorsAlive ?? 0,
      now: () => performance.now(),
      wallTime: () => Date.now(),
      before: { envSteps, updates: learnerStep, episodes: this.#folder.info.episodes },
    });
    const from = learnerStep > 0 || envSteps > 0 ? `from step ${envSteps}` : "from the start";
    log?.info(
      { folder: this.#folder.path, actors: settings.actors, threads: settings.learnerThreads },
      `${config.algorithm.name} on ${config.env.id}, ${from} to ${config.totalSteps}`,
    );
    const interval = 1000 * config.metrics.logIntervalSeconds;
    this.#timer = setInterval(() => {
      try {
        this.#record();
      } catch (thrown) {
        this.#run?.fail(thrown);
      }
    }, interval);
  }

  onProgress({
    envSteps,
    learnerStep,
    limiter,
  }: Extract<LearnerEvent, { type: "progress" }>): void {
    this.#heardAt = performance.now();
    this.#learnerStep = learnerStep;
    this.#waiting = limiter.sentence;
    const { recorder } = this.registry;
    recorder.set("troupe_env_steps_done", envSteps);
    recorder.set("troupe_limiter_error", limiter.error);
    recorder.set("troupe_limiter_low", limiter.low);
    recorder.set("troupe_limiter_high", limiter.high);
  }

  onEpisode(slot: number, end: EpisodeEnd): void {
    const { episodeReturn, episodeLength, outcome, reason } = end;
    if (outcome === "failed") {
      this.#envFailed(episodeFault(reason));
      this.#options.log?.warn(
        `actor ${slot}: the episode failed after step ${episodeLength}: ${reason}`,
      );
    }
    this.#episodes += 1;
    this.#runLog?.episode({ return: episodeReturn, length: episodeLength, outcome });
    this.#files?.monitor(slot, { return: episodeReturn, length: episodeLength });
  }

  /** Saves what makes the environment fail again. */
  onEnvFailure(failure: EnvFailure): void {
    const { id, options } = this.#options.config.env;
    // Whatever an actor says: the file must not name code of its choice.
    const own = { ...failure, env: { id, options } };
    this.#disk.attempt("a failure", () => {
      const file = saveFailure(this.#folder.paths.envFailures, own);
      if (file) this.#options.log?.info({ file }, `troupe env replay ${file} makes it fail again`);
    });
  }

  onEvaluation({ envSteps }: PolicySnapshot, episodes: readonly EpisodeResult[]): void {
    const entry = {
      step: envSteps,
      returns: episodes.map(({ episodeReturn }) => episodeReturn),
      lengths: episodes.map(({ episodeLength }) => episodeLength),
    };
    this.#files?.evaluation(entry);
    this.#runLog?.evaluation(entry);
    if (entry.lengths.some((length) => length >= MAX_EVALUATION_STEPS)) {
      this.#options.log?.warn(
        `${this.#options.config.env.id}: evaluation has cut off an episode that had not ended at step ` +
          `${MAX_EVALUATION_STEPS}; give the task a limit, e.g. env.options.wrappers=[{time_limit: 1000}]`,
      );
    }
    const { mean, std } = summarise(entry.returns);
    this.#options.log?.info({ step: envSteps, meanReturn: mean, stdReturn: std }, "evaluation");
    this.#options.onEvaluation?.({ envSteps, meanReturn: mean, stdReturn: std });
  }

  onCheckpoint(name: string, seconds: number): void {
    this.#options.log?.debug({ name, seconds }, "checkpoint");
    this.#saveInfo({ status: "running", ...this.#counts() });
  }

  onBest(meanReturn: number, envSteps: number): void {
    this.#saveInfo({ best: { meanReturn, envSteps } });
  }

  onCrash({ error, restartInMs }: ActorCrash): void {
    this.#envFailed(crashFault(error));
    const next = restartInMs === undefined ? "given up" : `restarts in ${restartInMs} ms`;
    this.#options.log?.error(`${error.message}; ${next}`);
  }

  onNote(message: string): void {
    this.#options.log?.info(message);
  }

  onWarning(message: string): void {
    this.#options.log?.warn(message);
  }

  onLog(level: "info" | "warn" | "error", message: string): void {
    this.#options.log?.[level](message);
  }

  onListening(address: string): void {
    this.#saveInfo({ address });
    this.#options.log?.info({ address }, "listening for actors");
    this.#options.onListening?.(address);
  }

  finished(result: LearnerResult): void {
    this.#record();
    const status = result.reason === "completed" ? "done" : "interrupted";
    this.#saveInfo({ status, ...this.#counts(), ...NOT_SERVED });
    const { envSteps, learnerStep, digest } = result;
    this.#options.log?.info({ envSteps, learnerStep, digest }, `run ${result.reason}`);
  }

  failed(error: RunError): void {
    const { log } = this.#options;
    log?.error(error.message);
    try {
      const counts = this.#runLog ? this.#counts() : {};
      this.#folder.update({ ...counts, status: "failed", error: error.message, ...NOT_SERVED });
      this.#record();
    } catch (thrown) {
      // Likely for the same reason: a full disk, or a learner that has taken over.
      log?.warn(`the failure could not be recorded: ${RunError.from(thrown).message}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#options.progress?.[Symbol.dispose]();
    this.#files?.[Symbol.dispose]();
    await this.#server?.[Symbol.asyncDispose]();
  }

  /** A record of this moment, in every log and on the screen. */
  #record(): void {
    if (!this.#runLog) return;
    const { settings, progress } = this.#options;
    const record = this.#runLog.record();
    progress?.update({
      record,
      returns: this.#runLog.returns,
      actorsAlive: this.#run?.actorsAlive ?? 0,
      actorsExpected: settings.actorsExpected,
      note: this.#waiting,
    });
  }

  /** Changes run.json; where there is no room now, the next change brings this one along. */
  #saveInfo(change: RunChange): void {
    this.#disk.attempt("run.json", () => this.#folder.update(change));
  }

  #counts() {
    return {
      envSteps: this.registry.value("troupe_env_steps_total"),
      learnerSteps: this.#learnerStep,
      episodes: this.#episodes,
    };
  }

  #envFailed(reason: EnvFault | undefined): void {
    if (reason) this.registry.recorder.inc("troupe_env_failures_total", 1, { reason });
  }

  #describe(): void {
    const { config, settings } = this.#options;
    const { recorder } = this.registry;
    const { troupe, ...versions } = readVersions();
    recorder.set("troupe_build_info", 1, { version: troupe, ...versions });
    const { env, algorithm, seed } = config;
    const labels = { run_id: this.#folder.info.id, env: env.id, algo: algorithm.name };
    recorder.set("troupe_run_info", 1, { ...labels, seed: String(seed) });
    const role = settings.actors > 0 ? "both" : "learner";
    recorder.set("troupe_role_info", 1, { role });
    recorder.set("troupe_learner_term", this.#folder.term);
    recorder.set("troupe_env_steps_planned", config.totalSteps);
    recorder.set("troupe_checkpoint_interval_seconds", config.checkpoint.intervalSeconds);
    recorder.set("troupe_actors_expected", settings.actorsExpected);
    recorder.set("troupe_replay_capacity_transitions", config.replay.capacity);
  }

  /** The learner's thread reports twice a second, also while it waits; silence means it is stuck. */
  #health() {
    const silentSeconds = (performance.now() - this.#heardAt) / 1000;
    return {
      ok: silentSeconds < MAX_SILENCE_SECONDS,
      run: this.#folder.info.id,
      learnerStep: this.#learnerStep,
      actors: this.#run?.actorsAlive ?? 0,
      actorsExpected: this.#options.settings.actorsExpected,
      waiting: this.#waiting,
      silentSeconds: Math.round(silentSeconds),
    };
  }
}

function rolesOf({ actors }: DerivedSettings): readonly MetricRole[] {
  return actors > 0 ? ["learner", "actors"] : ["learner"];
}
