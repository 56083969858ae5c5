import type { MessagePort } from "node:worker_threads";
import type { MetricsUpdate } from "../../metrics/recorder.ts";
import type { ActorCursor } from "../../replay/log/log-record.ts";
import type { LimiterExplanation } from "../../replay/rate-limiter.ts";
import type { EpisodeEnd, GetRunResponse } from "../generated/troupe/v1/actor.ts";
import type { PolicyBoardMemory } from "../policy-board.ts";
import type { MailboxMemory } from "../shared-mailbox.ts";
import type { TlsIdentity } from "../tls.ts";

/** Where the gateway listens. */
export type ListenAddress =
  /** Port 0: any free one. Without `tls` everybody who can connect may do everything. */
  | { readonly host: string; readonly port: number; readonly tls: TlsIdentity | undefined }
  /** A Unix socket for actors in the learner's own process. */
  | { readonly socket: string };

/** Bounds on what others can make the gateway hold. */
export interface GatewayLimits {
  /** Sessions at a time. */
  readonly maxActors: number;
  /** Of one frame's payload. */
  readonly maxPayloadBytes: number;
  /** Frames under way, over all actors, are at most what the learner takes in this time. */
  readonly windowSeconds: number;
  /** Each side says something at least this often; after three times as long it counts as gone. */
  readonly heartbeatSeconds: number;
}

/** What the gateway's thread is started with: plain data, shared memory and ports. */
export interface GatewayTask {
  /** The run folder; `checkTerm(folder, run.term)` comes before anything is written or acknowledged. */
  readonly folder: string;
  readonly run: GetRunResponse;
  readonly totalSteps: number;
  /** Where the run begins or goes on. */
  readonly progress: LearnerProgress;
  readonly listen: readonly ListenAddress[];
  readonly limits: GatewayLimits;
  readonly delivery: Delivery;
  /** Accepted unrolls, in the order of the log, for the learner's thread. */
  readonly queue: MailboxMemory;
  readonly board: PolicyBoardMemory;
  /** Rung after each frame put into the queue. */
  readonly doorbell: SharedArrayBuffer;
  /** Comlink: GatewayControl. */
  readonly control: MessagePort;
  /** GatewayEvent, thread to main. */
  readonly events: MessagePort;
}

/** The same without what belongs to its thread. */
export type GatewaySetup = Omit<GatewayTask, "control" | "events">;

/** When a frame counts as durable. */
export type Delivery =
  /**
   * When it is in replay. `cursors` are those of the checkpoint gone on from; their `host` and `instance`
   * are empty: whoever resumes the incarnation is the one.
   */
  | { readonly durability: "memory"; readonly cursors: readonly ActorCursor[] }
  /** When its segment file is on the disk; frames from `cut` on are delivered to the learner again. */
  | {
      readonly durability: "log";
      /** Unrolls of the log that are in the restored replay. */
      readonly cut: number;
      readonly quotaBytes: number;
      /** SealBarrier's memory: the learner asks here for the open segment to be sealed. */
      readonly barrier: SharedArrayBuffer;
    };

/** What the main thread tells the gateway. */
export interface GatewayControl {
  /** For `troupe status`; a few times a second. */
  report(progress: LearnerProgress): void;
  /** Tells every actor, stops taking frames, flushes the log, closes. Returns within `graceMs`. */
  close(farewell: Farewell): Promise<void>;
  /** Answers a "checkpoint" event: its name, or why there is none. */
  checkpointed(
    request: number,
    result: { readonly name: string } | { readonly error: string },
  ): void;
}

export interface LearnerProgress {
  readonly envSteps: number;
  readonly learnerSteps: number;
  /** Undefined before the learner's first report. */
  readonly limiter: LimiterExplanation | undefined;
}

export interface Farewell {
  /** draining: the learner means to come back. finished: the run is complete. */
  readonly kind: "draining" | "finished";
  readonly message: string;
  readonly graceMs: number;
}

export type GatewayEvent =
  /** Everything is open; `ports` of `listen` in order, 0 for sockets. */
  | { readonly type: "ready"; readonly ports: readonly number[] }
  | { readonly type: "metrics"; readonly update: MetricsUpdate }
  | { readonly type: "episode"; readonly slot: number; readonly end: EpisodeEnd }
  /** How to make an actor's environment fail again: JSON that nobody has looked at. */
  | { readonly type: "env-failure"; readonly failure: string }
  | { readonly type: "actors"; readonly connected: number; readonly longestSilenceMs: number }
  | { readonly type: "log"; readonly level: "info" | "warn" | "error"; readonly message: string }
  /** Through ControlService: the main thread does it and answers by `GatewayControl`. */
  | { readonly type: "stop" }
  | { readonly type: "checkpoint"; readonly request: number };
