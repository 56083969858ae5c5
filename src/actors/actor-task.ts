import type { MessagePort } from "node:worker_threads";
import type { TurnRule } from "../config/on-policy.ts";
import type { EnvFailure } from "../envs/failure/env-failure.ts";
import type { MetricsUpdate } from "../metrics/recorder.ts";
import type { InProcessMemory } from "../transport/in-process.ts";
import type { EpisodeEnd } from "./env-stream.ts";

/** What an actor's thread is started with; plain data, shared memory and ports. */
export interface ActorTask {
  readonly slot: number;
  /** The index of its mailbox in `memory`. */
  readonly mailbox: number;
  /** Distinguishes the lives of a slot, so that a restarted actor draws other episodes. */
  readonly incarnation: number;
  readonly rootSeed: number;
  readonly env: { readonly id: string; readonly options: Readonly<Record<string, unknown>> };
  readonly envsPerActor: number;
  readonly unrollLength: number;
  /** Left out: the actor never waits for the learner. */
  readonly turns?: TurnRule | undefined;
  /** Send the complete state with each turn. */
  readonly sendsSnapshots: boolean;
  /** Observations are scaled by the statistics that come with the parameters. */
  readonly normalizes: boolean;
  readonly memory: InProcessMemory;
  /** The compiled `policy.sample`. */
  readonly policyProgram: Uint8Array;
  readonly heartbeat: SharedArrayBuffer;
  /** One for each environment, as `BlackBox` has it. */
  readonly blackBoxes: readonly SharedArrayBuffer[];
  /** Comlink: ActorControl. */
  readonly control: MessagePort;
  /** ActorEvent, thread to pool. */
  readonly events: MessagePort;
  /** Continue from here instead of from fresh episodes. */
  readonly snapshot?: Uint8Array;
}

export interface ActorControl {
  stop(): void;
}

export type ActorEvent =
  | { readonly type: "episode"; readonly end: EpisodeEnd }
  /** An environment has failed; how to make it do so again. */
  | { readonly type: "env-failure"; readonly failure: EnvFailure }
  | { readonly type: "metrics"; readonly update: MetricsUpdate };
