import type { ActorCrash } from "../actors/actor-pool.ts";
import type { EpisodeEnd } from "../actors/env-stream.ts";
import type { DerivedSettings } from "../config/derive.ts";
import type { Config } from "../config/schema.ts";
import type { ImageSpace, Space } from "../envs/env.ts";
import type { EnvFailure } from "../envs/failure/env-failure.ts";
import { RunError } from "../errors.ts";
import type { EpisodeResult } from "../learner/evaluation.ts";
import { EvaluationThread } from "../learner/evaluation-thread.ts";
import type { LearnerEvent, LearnerResult, PolicySnapshot } from "../learner/learner-task.ts";
import { LearnerThread, type ReadyEvent } from "../learner/learner-thread.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import type { ActingSide } from "./acting-side.ts";
import { FirstFailure } from "./first-failure.ts";

/** What a run tells whoever looks on. */
export interface RunObserver {
  onReady(ready: ReadyEvent): void;
  /** The learner's thread lives; twice a second. */
  onProgress(progress: Extract<LearnerEvent, { type: "progress" }>): void;
  onEpisode(slot: number, end: EpisodeEnd): void;
  onEnvFailure(failure: EnvFailure): void;
  onEvaluation(snapshot: PolicySnapshot, episodes: readonly EpisodeResult[]): void;
  onCheckpoint(name: string, seconds: number): void;
  onBest(meanReturn: number, envSteps: number): void;
  onCrash(crash: ActorCrash): void;
  onNote(message: string): void;
  onWarning(message: string): void;
}

export interface RunOptions {
  readonly config: Config;
  readonly settings: DerivedSettings;
  /** The run folder. */
  readonly folder: string;
  readonly term: number;
  readonly resume: boolean;
  readonly observationSize: number;
  readonly image?: ImageSpace | undefined;
  readonly actionSpace: Space;
  readonly registry: MetricsRegistry;
  readonly observer: RunObserver;
  readonly openActors: OpenActingSide;
}

/** Makes what acts for the run, once the learner can take unrolls. Its callbacks are to be guarded. */
export type OpenActingSide = (ready: ReadyEvent, run: Run) => Promise<ActingSide>;

/**
 * A run, seen from the process that learns: the learner's thread, whoever acts, and a thread for
 * evaluations. Whoever opens it closes it; nothing outlives `dispose`.
 */
export class Run implements AsyncDisposable {
  readonly #options: RunOptions;
  readonly #learner: LearnerThread;
  readonly #evaluation: EvaluationThread;
  #actors: ActingSide | undefined;
  readonly #failure = new FirstFailure();
  #closing = false;

  constructor(options: RunOptions) {
    this.#options = options;
    const { config, settings, folder, term, resume, observationSize, image, actionSpace } = options;
    this.#evaluation = new EvaluationThread(
      1000 * config.actors.stepTimeoutSeconds,
      this.#failure.guard((failure) => options.observer.onEnvFailure(failure)),
    );
    this.#learner = new LearnerThread(
      { config, settings, folder, term, resume, observationSize, image, actionSpace },
      this.#failure.guard((event) => this.#onLearnerEvent(event)),
    );
  }

  /** Actors alive. */
  get actorsAlive(): number {
    return this.#actors?.alive ?? 0;
  }

  /**
   * Runs to the end, or until `signal` asks for an orderly stop.
   *
   * @throws RunError what the learner failed with, what the acting side could not be opened with, or
   *   ACTOR_CRASHED when no actor is left.
   */
  async run(signal: AbortSignal): Promise<LearnerResult> {
    const ready = await Promise.race([this.#learner.ready(), this.#failure.promise]);
    this.#options.observer.onReady(ready);
    this.#actors = await this.#options.openActors(ready, this);
    const stop = (): void => this.requestStop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    // Actors finish only by being stopped, which comes after the learner, or by failing for good.
    const noActors = this.#actors.finished.then(() => this.#learner.finished);
    const { finished } = this.#learner;
    const result = await Promise.race([finished, noActors, this.#failure.promise]);
    signal.removeEventListener("abort", stop);
    await this.#actors.stop(result.reason);
    return result;
  }

  /** Ends the run with a failure outside of it. */
  fail(thrown: unknown): void {
    this.#failure.fail(thrown);
  }

  /** A callback that ends the run with what it throws. */
  guard<Parameters extends readonly unknown[]>(
    callback: (...parameters: Parameters) => void,
  ): (...parameters: Parameters) => void {
    return this.#failure.guard(callback);
  }

  /** Asks for the end of the run in good order, with a checkpoint. */
  requestStop(): void {
    void this.#learner.stop();
  }

  /** Writes a checkpoint between two updates; its name. */
  checkpoint(): Promise<string> {
    return this.#learner.checkpoint();
  }

  /** Who waits for whom. */
  explain(): Promise<unknown> {
    return this.#learner.explain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#learner[Symbol.asyncDispose]();
    await this.#actors?.[Symbol.asyncDispose]();
    await this.#evaluation[Symbol.asyncDispose]();
  }

  #onLearnerEvent(event: LearnerEvent): void {
    const { registry, observer } = this.#options;
    switch (event.type) {
      case "ready":
        return;
      case "progress":
        this.#recordActors();
        this.#actors?.onProgress(event);
        observer.onProgress(event);
        return;
      case "metrics":
        registry.apply(event.update);
        return;
      case "evaluate":
        void this.#evaluate(event.snapshot);
        return;
      case "checkpoint":
        observer.onCheckpoint(event.name, event.seconds);
        return;
      case "best":
        observer.onBest(event.score.meanReturn, event.score.envSteps);
        return;
      case "note":
        observer.onNote(event.message);
        return;
      case "warning":
        observer.onWarning(event.message);
        return;
      default:
        event satisfies never;
    }
  }

  #recordActors(): void {
    const { recorder } = this.#options.registry;
    recorder.set("troupe_actors_connected", this.actorsAlive);
    const heardAt = Date.now() - (this.#actors?.longestSilenceMs ?? 0);
    recorder.set("troupe_actor_heartbeat_timestamp_seconds", heardAt / 1000);
  }

  /** Evaluates beside the run and tells the learner what the snapshot was worth. */
  async #evaluate(snapshot: PolicySnapshot): Promise<void> {
    const { config, observer, registry } = this.#options;
    const { learnerStep, envSteps, model } = snapshot;
    const tell = (meanReturn: number): void =>
      this.#learner.evaluated({ learnerStep, envSteps, meanReturn });
    const start = performance.now();
    try {
      const { episodes: count, seed } = config.evaluation;
      const episodes = await this.#evaluation.run({
        env: config.env,
        episodes: count,
        seed,
        model,
      });
      const seconds = (performance.now() - start) / 1000;
      registry.recorder.observe("troupe_evaluation_duration_seconds", seconds);
      const total = episodes.reduce((sum, { episodeReturn }) => sum + episodeReturn, 0);
      // Before the observer, who may end the run for this very result.
      tell(total / episodes.length);
      this.#failure.guard(() => observer.onEvaluation(snapshot, episodes))();
    } catch (thrown) {
      tell(Number.NaN);
      if (this.#closing) return;
      const { message } = RunError.from(thrown);
      observer.onWarning(`evaluation at step ${envSteps} failed: ${message}`);
    }
  }
}
