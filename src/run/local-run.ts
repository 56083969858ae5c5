import { type ActorCrash, ActorPool } from "../actors/actor-pool.ts";
import type { ActorEvent } from "../actors/actor-task.ts";
import type { DerivedSettings } from "../config/derive.ts";
import type { Config } from "../config/schema.ts";
import type { Space } from "../envs/env.ts";
import { RunError } from "../errors.ts";
import type { EpisodeResult } from "../learner/evaluation.ts";
import { EvaluationThread } from "../learner/evaluation-thread.ts";
import type { LearnerEvent, LearnerResult, PolicySnapshot } from "../learner/learner-task.ts";
import { LearnerThread, type ReadyEvent } from "../learner/learner-thread.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import { FirstFailure } from "./first-failure.ts";

/** What a run tells whoever looks on. */
export interface RunObserver {
  onReady(ready: ReadyEvent): void;
  /** The learner's thread lives; twice a second. */
  onProgress(progress: Extract<LearnerEvent, { type: "progress" }>): void;
  onEpisode(slot: number, event: Extract<ActorEvent, { type: "episode" }>): void;
  onEvaluation(snapshot: PolicySnapshot, episodes: readonly EpisodeResult[]): void;
  onCheckpoint(name: string, seconds: number): void;
  onBest(meanReturn: number, envSteps: number): void;
  onCrash(crash: ActorCrash): void;
  onWarning(message: string): void;
}

export interface LocalRunOptions {
  readonly config: Config;
  readonly settings: DerivedSettings;
  /** The run folder. */
  readonly folder: string;
  readonly term: number;
  readonly resume: boolean;
  readonly observationSize: number;
  readonly actionSpace: Space;
  readonly registry: MetricsRegistry;
  readonly observer: RunObserver;
}

/** Lives of one slot within a term; a term's actors must not replay those of the one before. */
const LIVES_PER_TERM = 10_000;

/**
 * A run on this machine: the learner's thread, the actors' threads, and one for evaluations, joined by
 * shared memory. Whoever opens it closes it; nothing outlives `dispose`.
 */
export class LocalRun implements AsyncDisposable {
  readonly #options: LocalRunOptions;
  readonly #learner: LearnerThread;
  readonly #evaluation: EvaluationThread;
  #actors: ActorPool | undefined;
  readonly #failure = new FirstFailure();
  #closing = false;

  constructor(options: LocalRunOptions) {
    this.#options = options;
    this.#evaluation = new EvaluationThread(1000 * options.config.actors.stepTimeoutSeconds);
    const { config, folder, term, resume, observationSize, actionSpace } = options;
    this.#learner = new LearnerThread(
      { config, folder, term, resume, observationSize, actionSpace },
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
   * @throws RunError what the learner failed with, or ACTOR_CRASHED when no actor is left.
   */
  async run(signal: AbortSignal): Promise<LearnerResult> {
    const ready = await Promise.race([this.#learner.ready(), this.#failure.promise]);
    this.#options.observer.onReady(ready);
    this.#actors = this.#startActors(ready);
    const stop = (): void => void this.#learner.stop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    // Actors finish only by being stopped, which comes after the learner, or by failing for good.
    const noActors = this.#actors.finished.then(() => this.#learner.finished);
    const { finished } = this.#learner;
    const result = await Promise.race([finished, noActors, this.#failure.promise]);
    signal.removeEventListener("abort", stop);
    await this.#actors.stop();
    return result;
  }

  /** Ends the run with a failure outside of it. */
  fail(thrown: unknown): void {
    this.#failure.fail(thrown);
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

  #startActors(ready: ReadyEvent): ActorPool {
    const { config, settings, term, registry, observer } = this.#options;
    const { restart, stepTimeoutSeconds, envsPerActor, unrollLength } = config.actors;
    return new ActorPool({
      count: settings.actors,
      // A deterministic run that was killed before its first checkpoint begins anew, with the same streams.
      firstIncarnation: (config.deterministic ? 1 : term) * LIVES_PER_TERM,
      snapshots: ready.actorSnapshot.length > 0 ? [ready.actorSnapshot] : [],
      task: {
        rootSeed: config.seed,
        env: config.env,
        envsPerActor,
        unrollLength,
        takesTurns: config.deterministic,
        normalizes: config.algorithm.normalizeObservations,
        memory: ready.memory,
        policyProgram: ready.policyProgram,
      },
      stepTimeoutMs: 1000 * stepTimeoutSeconds,
      restart: {
        backoffMs: 1000 * restart.initialDelaySeconds,
        maxBackoffMs: 1000 * restart.maxDelaySeconds,
        // A life that starts anew would not repeat the steps of the one that ended.
        maxCrashes: config.deterministic ? 1 : restart.breakerFailures,
        windowMs: 1000 * restart.breakerWindowSeconds,
      },
      onEvent: this.#failure.guard((slot, event) => {
        if (event.type === "metrics") registry.apply(event.update);
        else observer.onEpisode(slot, event);
      }),
      onCrash: this.#failure.guard((crash) => {
        if (crash.restartInMs !== undefined) {
          registry.recorder.inc("troupe_worker_restarts_total", 1, { role: "actor" });
        }
        observer.onCrash(crash);
      }),
    });
  }

  #onLearnerEvent(event: LearnerEvent): void {
    const { registry, observer } = this.#options;
    switch (event.type) {
      case "ready":
        return;
      case "progress":
        this.#recordActors();
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
    const { learnerStep, envSteps } = snapshot;
    const start = performance.now();
    let episodes: readonly EpisodeResult[] = [];
    try {
      episodes = await this.#evaluation.run({
        env: config.env,
        episodes: config.evaluation.episodes,
        seed: config.evaluation.seed,
        model: snapshot.model,
      });
      const seconds = (performance.now() - start) / 1000;
      registry.recorder.observe("troupe_evaluation_duration_seconds", seconds);
      this.#failure.guard(() => observer.onEvaluation(snapshot, episodes))();
    } catch (thrown) {
      if (this.#closing) return;
      const { message } = RunError.from(thrown);
      observer.onWarning(`evaluation at step ${envSteps} failed: ${message}`);
    }
    // NaN when there was none.
    const meanReturn =
      episodes.reduce((sum, { episodeReturn }) => sum + episodeReturn, 0) / episodes.length;
    this.#learner.evaluated({ learnerStep, envSteps, meanReturn });
  }
}
