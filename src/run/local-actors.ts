import { type ActorCrash, ActorPool } from "../actors/actor-pool.ts";
import type { EpisodeEnd } from "../actors/env-stream.ts";
import { turnRule } from "../config/on-policy.ts";
import type { Config } from "../config/schema.ts";
import type { EnvFailure } from "../envs/failure/env-failure.ts";
import type { ReadyEvent } from "../learner/learner-thread.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import type { ActingSide } from "./acting-side.ts";

export interface LocalActorsOptions {
  readonly config: Config;
  readonly actors: number;
  readonly term: number;
  readonly registry: MetricsRegistry;
  readonly onEpisode: (slot: number, end: EpisodeEnd) => void;
  readonly onEnvFailure: (failure: EnvFailure) => void;
  readonly onCrash: (crash: ActorCrash) => void;
}

/** Actor threads of the learner's own process, joined to it by shared memory. */
export class LocalActors implements ActingSide {
  readonly #pool: ActorPool;

  constructor(ready: ReadyEvent, options: LocalActorsOptions) {
    const { config, term, registry, onEpisode, onEnvFailure, onCrash } = options;
    const { restart, stepTimeoutSeconds, envsPerActor, unrollLength } = config.actors;
    this.#pool = new ActorPool({
      capacity: options.actors,
      task: {
        rootSeed: config.seed,
        env: config.env,
        envsPerActor,
        unrollLength,
        turns: turnRule(config),
        sendsSnapshots: config.deterministic,
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
      onEvent: ({ slot }, event) => {
        if (event.type === "metrics") registry.apply(event.update);
        else if (event.type === "episode") onEpisode(slot, event.end);
        else onEnvFailure(event.failure);
      },
      onCrash: (crash) => {
        if (crash.restartInMs !== undefined) {
          registry.recorder.inc("troupe_worker_restarts_total", 1, { role: "actor" });
        }
        onCrash(crash);
      },
    });
    // A deterministic run that was killed before its first checkpoint begins anew, with the same streams.
    const incarnation = config.deterministic ? 1 : term;
    const snapshot = ready.actorSnapshot.length > 0 ? { snapshot: ready.actorSnapshot } : {};
    for (let slot = 0; slot < options.actors; slot++) {
      this.#pool.add({ slot, incarnation, mailbox: slot, ...(slot === 0 ? snapshot : {}) });
    }
  }

  get finished(): Promise<void> {
    return this.#pool.finished;
  }

  get alive(): number {
    return this.#pool.alive;
  }

  get longestSilenceMs(): number {
    return this.#pool.longestSilenceMs;
  }

  onProgress(): void {}

  async stop(): Promise<void> {
    await this.#pool.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
