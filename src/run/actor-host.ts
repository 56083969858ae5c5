import type { ActorCrash, ActorPool, RestartPolicy } from "../actors/actor-pool.ts";
import type { EpisodeEnd } from "../actors/env-stream.ts";
import { RunError } from "../errors.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import type { GetRunResponse } from "../transport/generated/troupe/v1/actor.ts";
import { allocateInProcess, type InProcessMemory } from "../transport/in-process.ts";
import type { TlsIdentity } from "../transport/tls.ts";
import { LearnerChannel } from "../transport/uplink/channel.ts";
import { type FoundRun, findRun } from "../transport/uplink/find-run.ts";
import { DEFAULT_OUTBOX, type OutboxLimits } from "../transport/uplink/outbox.ts";
import { Uplink, type UplinkStatus } from "../transport/uplink/uplink.ts";
import { checkEnv, DEFAULT_RESTART, openPool, wireEpisode } from "./actor-host-pool.ts";
import { FirstFailure } from "./first-failure.ts";

export interface ActorHostOptions {
  /** The learner's address: HOST:PORT or unix:PATH. */
  readonly learner: string;
  /** Undefined: plaintext. */
  readonly tls: TlsIdentity | undefined;
  /** Actors, one thread each. */
  readonly workers: number;
  /** This host's name; a process started later under the same name takes over from this one. */
  readonly hostId: string;
  /** 16 bytes drawn at random by the process that starts. */
  readonly instance: Uint8Array;
  readonly registry: MetricsRegistry;
  /** Hears of everything; must not throw. */
  readonly onEvent: (event: ActorHostEvent) => void;
  readonly outbox?: OutboxLimits;
  /** Least time between two fetches of a policy; 0 by default. */
  readonly policyIntervalMs?: number;
  /** Longest time without a learner; Infinity, which is the default, waits for ever. */
  readonly giveUpAfterMs?: number;
  /** A file that gets a line for each frame when the learner has reported it durable. */
  readonly journal?: string;
  readonly restart?: RestartPolicy;
}

export type ActorHostEvent =
  /** The learner has described its run. */
  | { readonly type: "run"; readonly run: GetRunResponse }
  /** An actor has been taken in and acts. */
  | { readonly type: "joined"; readonly slot: number; readonly incarnation: number }
  | { readonly type: "episode"; readonly slot: number; readonly end: EpisodeEnd }
  | { readonly type: "crash"; readonly crash: ActorCrash }
  /** Connections that come and go, refused frames, notices of the learner, in a sentence. */
  | {
      readonly type: "log";
      readonly level: "info" | "warn";
      readonly message: string;
    };

/** One moment of an actor host. */
export interface ActorHostStatus extends UplinkStatus {
  readonly actorsAlive: number;
  readonly workers: number;
}

/** Bounds of an orderly stop, which with the two seconds that threads get stays below 10 s. */
const FLUSH_MS = 3_000;
const GOODBYE_MS = 1_000;
/** Unrolls of one environment that may wait for this thread. */
const SLOTS_PER_STREAM = 2;

/**
 * Acts for a learner anywhere: one connection, one session and one thread per actor.
 *
 *     connect -> ask for the run -> open its environment -> join -> act until the run is finished
 *
 * Whoever opens it closes it; nothing outlives `dispose`.
 */
export class ActorHost implements AsyncDisposable {
  readonly #options: ActorHostOptions;
  readonly #channel: LearnerChannel;
  readonly #failure = new FirstFailure();
  readonly #createdAt = performance.now();
  readonly #closing = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #uplink: Uplink | undefined;
  #pool: ActorPool | undefined;

  /** @throws RunError CONFIG_INVALID for an address that is none. */
  constructor(options: ActorHostOptions) {
    this.#options = options;
    this.#channel = new LearnerChannel(options.learner, options.tls);
  }

  get status(): ActorHostStatus {
    const uplink = this.#uplink?.status ?? {
      ...{ connected: false, disconnectedMs: performance.now() - this.#createdAt },
      ...{ envSteps: 0, outboxFrames: 0, droppedUnrolls: 0 },
      ...{ durableUnrolls: 0, refusedUnrolls: 0, policyVersion: -1, policyAgeMs: Infinity },
    };
    return { ...uplink, actorsAlive: this.#pool?.alive ?? 0, workers: this.#options.workers };
  }

  /**
   * Acts until the run is finished, or until `signal` asks for an orderly stop, which takes less than 10 s.
   *
   * @throws RunError CONFIG_INVALID when the environment cannot be opened here or is another one;
   *   LEARNER_REFUSED, ACTOR_FENCED; LEARNER_LOST after `giveUpAfterMs`; ACTOR_CRASHED when no actor is left.
   */
  run(signal: AbortSignal): Promise<"finished" | "stopped"> {
    const outcome = this.#run(AbortSignal.any([signal, this.#closing.signal]));
    this.#running = outcome.catch(() => undefined);
    return outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#pool?.[Symbol.asyncDispose]();
    await this.#uplink?.[Symbol.asyncDispose]();
    this.#channel[Symbol.dispose]();
  }

  async #run(signal: AbortSignal): Promise<"finished" | "stopped"> {
    const { giveUpAfterMs = Infinity, onEvent } = this.#options;
    const found = await findRun({
      ...{ channel: this.#channel, signal, giveUpAfterMs, random: Math.random },
      onCallEnd: (code, seconds) => this.#countCall(code, seconds),
      onWait: (message) => this.#log("warn", `${message}; trying again`),
    });
    if (!found) return "stopped";
    await checkEnv(found, this.#channel.address);
    onEvent({ type: "run", run: found.run });
    const [uplink, pool] = this.#open(found);
    uplink.start();
    try {
      const outcome = await Promise.race([
        uplink.finished.then(() => "finished" as const),
        aborted(signal).then(() => "stopped" as const),
        // Settles first only by failing.
        pool.finished.then(() => "stopped" as const),
        this.#failure.promise,
      ]);
      await this.#finish(outcome);
      return outcome;
    } catch (thrown) {
      await uplink.leave(RunError.from(thrown).message, GOODBYE_MS);
      throw thrown;
    }
  }

  #open(found: FoundRun): readonly [Uplink, ActorPool] {
    const { workers, registry, onEvent, restart = DEFAULT_RESTART } = this.#options;
    const { run, shape } = found;
    const memory = allocateInProcess({
      actors: workers,
      shape,
      parameterCount: run.parameterCount,
      slotsPerActor: SLOTS_PER_STREAM * run.envsPerActor,
      snapshotBytes: 0,
    });
    const guard = this.#failure.guard.bind(this.#failure);
    const pool = openPool(found, {
      ...{ capacity: workers, memory, restart },
      onEvent: guard(({ mailbox, slot }, event) => {
        if (event.type === "metrics") {
          registry.apply(event.update);
          return;
        }
        if (event.type === "env-failure") {
          uplink.envFailure(mailbox, JSON.stringify(event.failure));
          return;
        }
        uplink.episode(mailbox, wireEpisode(event.end));
        onEvent({ type: "episode", slot, end: event.end });
      }),
      onCrash: guard((crash) => onEvent({ type: "crash", crash })),
    });
    this.#pool = pool;
    const uplink = this.#openUplink(found, { memory, pool });
    this.#uplink = uplink;
    return [uplink, pool];
  }

  #openUplink(
    { run, shape }: FoundRun,
    { memory, pool }: { readonly memory: InProcessMemory; readonly pool: ActorPool },
  ): Uplink {
    const { hostId, instance, registry, journal, onEvent } = this.#options;
    const { outbox = DEFAULT_OUTBOX, policyIntervalMs = 0 } = this.#options;
    const { giveUpAfterMs = Infinity } = this.#options;
    return new Uplink({
      ...{ channel: this.#channel, run, shape, memory, hostId, instance },
      ...{ outbox, policyIntervalMs, giveUpAfterMs, journal },
      random: Math.random,
      recorder: registry.recorder,
      observer: {
        onJoined: this.#failure.guard((mailbox, { slot, incarnation }) => {
          pool.add({ mailbox, slot, incarnation });
          onEvent({ type: "joined", slot, incarnation });
        }),
        onLog: (level, message) => this.#log(level, message),
      },
    });
  }

  /** Brings home what was collected, within a few seconds whatever the state of threads and learner. */
  async #finish(outcome: "finished" | "stopped"): Promise<void> {
    await this.#pool?.stop();
    // A learner that is finished takes no more.
    if (outcome === "finished") {
      await this.#uplink?.ended(FLUSH_MS);
    } else {
      const left = await this.#uplink?.flush(FLUSH_MS);
      if (left) this.#log("warn", `${left} unrolls were not taken by the learner and are lost`);
    }
    await this.#uplink?.leave(outcome, GOODBYE_MS);
  }

  #countCall(code: string, seconds: number): void {
    const { recorder } = this.#options.registry;
    const method = "GetRun";
    recorder.inc("troupe_grpc_requests_total", 1, { method, code });
    recorder.observe("troupe_grpc_request_duration_seconds", seconds, { method });
  }

  #log(level: "info" | "warn", message: string): void {
    this.#options.onEvent({ type: "log", level, message });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
