import type { ActorCrash, RestartPolicy } from "../actors/actor-pool.ts";
import type { EpisodeEnd } from "../actors/env-stream.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import type { GetRunResponse } from "../transport/generated/troupe/v1/actor.ts";
import type { TlsIdentity } from "../transport/tls.ts";
import type { OutboxLimits } from "../transport/uplink/outbox.ts";

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
      readonly level: "info" | "warn" | "error";
      readonly message: string;
    };

/** One moment of an actor host. */
export interface ActorHostStatus {
  /** Every actor has a session. */
  readonly connected: boolean;
  /** Milliseconds without one; 0 while connected. */
  readonly disconnectedMs: number;
  readonly actorsAlive: number;
  readonly workers: number;
  /** Environment steps since the start. */
  readonly envSteps: number;
  /** Unrolls that wait in the outboxes, or have been sent and are not durable yet. */
  readonly outboxFrames: number;
  readonly droppedUnrolls: number;
  /** Unrolls that the learner has reported durable. */
  readonly durableUnrolls: number;
  readonly refusedUnrolls: number;
  /** Of the newest policy; -1 before the first. */
  readonly policyVersion: number;
  /** Since it arrived; Infinity before the first. */
  readonly policyAgeMs: number;
}

/**
 * Acts for a learner anywhere: one connection, one session and one thread per actor.
 *
 *     connect -> ask for the run -> open its environment -> join -> act until the run is finished
 *
 * Whoever opens it closes it; nothing outlives `dispose`.
 */
export class ActorHost implements AsyncDisposable {
  readonly #options: ActorHostOptions;

  constructor(options: ActorHostOptions) {
    this.#options = options;
  }

  get status(): ActorHostStatus {
    throw new Error(`not yet: ${this.#options.hostId}`);
  }

  /**
   * Acts until the run is finished, or until `signal` asks for an orderly stop, which takes less than 10 s.
   *
   * @throws RunError ENV_UNKNOWN, CONFIG_INVALID when the environment cannot be opened here or is another
   *   one; LEARNER_REFUSED, ACTOR_FENCED; LEARNER_LOST after `giveUpAfterMs`; ACTOR_CRASHED.
   */
  run(signal: AbortSignal): Promise<"finished" | "stopped"> {
    throw new Error(`not yet: ${signal.aborted}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
