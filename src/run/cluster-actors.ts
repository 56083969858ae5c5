import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crashFault } from "../actors/env-fault.ts";
import type { EpisodeEnd } from "../actors/env-stream.ts";
import { formatAddress, parseAddress } from "../config/address.ts";
import { turnRule } from "../config/on-policy.ts";
import type { Config } from "../config/schema.ts";
import { type EnvFailure, parseEnvFailure } from "../envs/failure/env-failure.ts";
import { RunError } from "../errors.ts";
import { unrollShapeOf } from "../learner/learner-memory.ts";
import type { LearnerEvent, LearnerResult } from "../learner/learner-task.ts";
import type { ReadyEvent } from "../learner/learner-thread.ts";
import type { GatewayEvent, GatewayTask } from "../transport/gateway/gateway-task.ts";
import { GatewayThread } from "../transport/gateway/gateway-thread.ts";
import {
  EpisodeOutcome,
  type EpisodeEnd as WireEpisodeEnd,
} from "../transport/generated/troupe/v1/actor.ts";
import { onPolicyRun, wireShape } from "../transport/on-policy-run.ts";
import { listenPolicy } from "../transport/tls.ts";
import type { ActingSide } from "./acting-side.ts";
import { ActorHost, type ActorHostEvent } from "./actor-host.ts";
import type { RunOptions } from "./run.ts";

export interface ClusterActorsOptions
  extends Pick<
    RunOptions,
    | "config"
    | "settings"
    | "folder"
    | "term"
    | "observationSize"
    | "image"
    | "actionSpace"
    | "registry"
  > {
  readonly runId: string;
  readonly observer: ClusterObserver;
}

/** What happens on the acting side, for whoever looks on. */
export interface ClusterObserver {
  /** HOST:PORT that actors reach the learner at. */
  onListening(address: string): void;
  onEpisode(slot: number, end: EpisodeEnd): void;
  onEnvFailure(failure: EnvFailure): void;
  onLog(level: "info" | "warn" | "error", message: string): void;
  /** Writes a checkpoint and returns its name. */
  checkpoint(): Promise<string>;
  /** Somebody with the right to do so asks for the end of the run. */
  requestStop(): void;
}

/** What a learner that stops leaves its actors for their last acknowledgements. */
const FAREWELL_MS = 3_000;

/** Actors on any machine: the gateway they connect to, and an actor host of this process's own if it is asked for. */
export class ClusterActors implements ActingSide {
  readonly #options: ClusterActorsOptions;
  readonly #gateway: GatewayThread;
  /** Holds the socket of the actors in this process. */
  readonly #socketFolder: string;
  readonly #stopping = new AbortController();
  #host: ActorHost | undefined;
  #hosting: Promise<unknown> = Promise.resolve();
  #connected = 0;
  #longestSilenceMs = 0;

  private constructor(ready: ReadyEvent, options: ClusterActorsOptions) {
    this.#options = options;
    this.#socketFolder = mkdtempSync(join(tmpdir(), "troupe-"));
    this.#gateway = new GatewayThread(gatewayTask(ready, options, this.#socket), (event) =>
      this.#onGatewayEvent(event),
    );
  }

  /** @throws RunError PORT_IN_USE, CONFIG_INVALID for certificates that will not do, CHECKPOINT_CORRUPT. */
  static async open(ready: ReadyEvent, options: ClusterActorsOptions): Promise<ClusterActors> {
    const actors = new ClusterActors(ready, options);
    try {
      const { ports } = await actors.#gateway.ready();
      const { host } = parseAddress(options.config.cluster.listen, "cluster.listen");
      options.observer.onListening(formatAddress({ host, port: ports[0] ?? 0 }));
      if (options.settings.actors > 0) actors.#startHost();
      return actors;
    } catch (thrown) {
      await actors[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get finished(): Promise<void> {
    return this.#gateway.finished;
  }

  get alive(): number {
    return this.#connected;
  }

  get longestSilenceMs(): number {
    return this.#longestSilenceMs;
  }

  onProgress({
    envSteps,
    learnerStep,
    limiter,
  }: Extract<LearnerEvent, { type: "progress" }>): void {
    this.#gateway.report({ envSteps, learnerSteps: learnerStep, limiter });
  }

  async stop(reason: LearnerResult["reason"]): Promise<void> {
    const farewell =
      reason === "completed"
        ? ({ kind: "finished", message: "the run is complete" } as const)
        : ({ kind: "draining", message: "the learner stops and can be resumed" } as const);
    this.#stopping.abort();
    await Promise.all([this.#hosting, this.#gateway.close({ ...farewell, graceMs: FAREWELL_MS })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#hosting;
    await this.#host?.[Symbol.asyncDispose]();
    await this.#gateway[Symbol.asyncDispose]();
    rmSync(this.#socketFolder, { recursive: true, force: true });
  }

  get #socket(): string {
    return join(this.#socketFolder, "learner.sock");
  }

  /** Actors of this process are a host like any other, by a socket that only this user can open. */
  #startHost(): void {
    const { config, settings, registry, observer } = this.#options;
    const { restart } = config.actors;
    this.#host = new ActorHost({
      learner: `unix:${this.#socket}`,
      tls: undefined,
      workers: settings.actors,
      hostId: "learner",
      instance: randomBytes(16),
      registry,
      onEvent: (event) => this.#onHostEvent(event),
      restart: {
        backoffMs: 1000 * restart.initialDelaySeconds,
        maxBackoffMs: 1000 * restart.maxDelaySeconds,
        maxCrashes: restart.breakerFailures,
        windowMs: 1000 * restart.breakerWindowSeconds,
      },
    });
    // Without its own actors the run may go on with others.
    this.#hosting = this.#host
      .run(this.#stopping.signal)
      .catch((thrown: unknown) => observer.onLog("error", RunError.from(thrown).message));
  }

  #onHostEvent(event: ActorHostEvent): void {
    const { observer, registry } = this.#options;
    if (event.type === "log") observer.onLog(event.level, event.message);
    if (event.type !== "crash") return;
    const { error, restartInMs } = event.crash;
    const reason = crashFault(error);
    if (reason) registry.recorder.inc("troupe_env_failures_total", 1, { reason });
    if (restartInMs !== undefined) {
      registry.recorder.inc("troupe_worker_restarts_total", 1, { role: "actor" });
    }
    observer.onLog("error", error.message);
  }

  #onEnvFailure(json: string): void {
    const { observer } = this.#options;
    try {
      observer.onEnvFailure(parseEnvFailure(json, "an actor's failure"));
    } catch (thrown) {
      observer.onLog("warn", RunError.from(thrown).message);
    }
  }

  #onGatewayEvent(event: GatewayEvent): void {
    const { observer, registry } = this.#options;
    switch (event.type) {
      case "ready":
        return;
      case "metrics":
        registry.apply(event.update);
        return;
      case "episode":
        observer.onEpisode(event.slot, episodeEnd(event.end));
        return;
      case "env-failure":
        this.#onEnvFailure(event.failure);
        return;
      case "actors":
        this.#connected = event.connected;
        this.#longestSilenceMs = event.longestSilenceMs;
        return;
      case "log":
        observer.onLog(event.level, event.message);
        return;
      case "stop":
        observer.requestStop();
        return;
      case "checkpoint":
        void this.#checkpoint(event.request);
        return;
      default:
        event satisfies never;
    }
  }

  async #checkpoint(request: number): Promise<void> {
    try {
      const name = await this.#options.observer.checkpoint();
      this.#gateway.checkpointed(request, { name });
    } catch (thrown) {
      this.#gateway.checkpointed(request, { error: RunError.from(thrown).message });
    }
  }
}

function gatewayTask(
  ready: ReadyEvent,
  options: ClusterActorsOptions,
  socket: string,
): Omit<GatewayTask, "control" | "events"> {
  const { config, settings, folder, term, runId } = options;
  const { maxActors, maxPayloadBytes, windowSeconds, heartbeatSeconds } = config.cluster;
  const { memory, delivery, envSteps, learnerStep } = ready;
  const shape = unrollShapeOf(options);
  const [queue] = memory.mailboxes;
  const address = listenAddress(config, (message) => options.observer.onLog("warn", message));
  if (!queue || !delivery)
    throw new RunError("INTERNAL", "the learner was not set up for a cluster");
  return {
    folder,
    run: {
      runId,
      term,
      envId: config.env.id,
      envOptionsJson: JSON.stringify(config.env.options),
      shape: wireShape(shape),
      onPolicy: onPolicyRun(shape, turnRule(config)),
      envsPerActor: config.actors.envsPerActor,
      seed: config.seed,
      normalizesObservations: config.algorithm.normalizeObservations,
      parameterCount: memory.board.parameterCount,
      policyProgram: Buffer.from(ready.policyProgram),
      stepTimeoutSeconds: config.actors.stepTimeoutSeconds,
      algorithm: config.algorithm.name,
    },
    totalSteps: config.totalSteps,
    progress: { envSteps, learnerSteps: learnerStep, limiter: undefined },
    listen: settings.actors > 0 ? [address, { socket }] : [address],
    limits: { maxActors, maxPayloadBytes, windowSeconds, heartbeatSeconds },
    delivery,
    queue,
    board: memory.board,
    doorbell: memory.doorbell,
  };
}

/**
 * Where a learner with this configuration listens, and as whom.
 * @throws RunError CONFIG_INVALID for certificates that are needed and missing, or will not do.
 */
export function listenAddress({ cluster }: Config, warn?: (message: string) => void) {
  const address = parseAddress(cluster.listen, "cluster.listen");
  const { certs, insecure } = cluster;
  const tls = listenPolicy({ host: address.host, certs: certs || undefined, insecure }, { warn });
  return { ...address, tls };
}

const OUTCOMES = {
  [EpisodeOutcome.EPISODE_OUTCOME_UNSPECIFIED]: "failed",
  [EpisodeOutcome.EPISODE_OUTCOME_TERMINATED]: "terminated",
  [EpisodeOutcome.EPISODE_OUTCOME_TRUNCATED]: "truncated",
  [EpisodeOutcome.EPISODE_OUTCOME_FAILED]: "failed",
} as const;

function episodeEnd({ episodeReturn, episodeLength, outcome, reason }: WireEpisodeEnd): EpisodeEnd {
  return { env: 0, outcome: OUTCOMES[outcome], episodeReturn, episodeLength, reason };
}
