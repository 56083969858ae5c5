import type { MessagePort } from "node:worker_threads";
import type { DerivedSettings } from "../config/derive.ts";
import type { Config } from "../config/schema.ts";
import type { ImageSpace, Space } from "../envs/env.ts";
import type { MetricsUpdate } from "../metrics/recorder.ts";
import type { LimiterExplanation } from "../replay/rate-limiter.ts";
import type { Delivery } from "../transport/gateway/gateway-task.ts";
import type { InProcessMemory } from "../transport/in-process.ts";

/** What the learner's thread is started with. */
export interface LearnerTask {
  readonly config: Config;
  readonly settings: DerivedSettings;
  /** The run folder. */
  readonly folder: string;
  readonly observationSize: number;
  /** Present where observations are a camera's. */
  readonly image?: ImageSpace | undefined;
  readonly actionSpace: Space;
  /** Numbers the starts of a learner on this run, from 1. */
  readonly term: number;
  /** Continue from the newest valid checkpoint. */
  readonly resume: boolean;
  /** Comlink: LearnerControl. */
  readonly control: MessagePort;
  /** LearnerEvent, thread to main. */
  readonly events: MessagePort;
}

export interface LearnerControl {
  /** Finish the update, write a checkpoint, return. */
  stop(): void;
  /** Who waits for whom. */
  explain(): unknown;
  /** Writes a checkpoint at the next boundary; its name. */
  checkpoint(): Promise<string>;
  /** The answer to an "evaluate" event. */
  evaluated(score: EvaluationScore): void;
}

/** What an evaluation found about a snapshot. */
export interface EvaluationScore {
  readonly learnerStep: number;
  readonly envSteps: number;
  readonly meanReturn: number;
}

/** A policy to evaluate. */
export interface PolicySnapshot {
  readonly learnerStep: number;
  readonly envSteps: number;
  /** The policy as in policy.onnx, or with its critics, to choose among draws. */
  readonly model: Uint8Array;
}

export type LearnerEvent =
  | {
      readonly type: "ready";
      readonly memory: InProcessMemory;
      /** How frames from other machines become safe; undefined in one process. */
      readonly delivery: Delivery | undefined;
      /** The compiled `policy.sample`, for the environments of one actor. */
      readonly policyProgram: Uint8Array;
      readonly learnerStep: number;
      readonly envSteps: number;
      /** The actor's state to continue from, or empty; deterministic mode only. */
      readonly actorSnapshot: Uint8Array;
      /** One sentence for each thing that was not as it should be, e.g. a damaged checkpoint. */
      readonly warnings: readonly string[];
    }
  | {
      readonly type: "progress";
      readonly learnerStep: number;
      readonly envSteps: number;
      /** Who waits for whom. */
      readonly limiter: LimiterExplanation;
    }
  | { readonly type: "metrics"; readonly update: MetricsUpdate }
  | { readonly type: "evaluate"; readonly snapshot: PolicySnapshot }
  | { readonly type: "checkpoint"; readonly name: string; readonly seconds: number }
  | { readonly type: "best"; readonly score: EvaluationScore }
  /** Worth reading in the log, and nothing wrong. */
  | { readonly type: "note"; readonly message: string }
  | { readonly type: "warning"; readonly message: string };

export interface LearnerResult {
  readonly reason: "completed" | "stopped";
  readonly learnerStep: number;
  readonly envSteps: number;
  /** SHA-256 of parameters, moments, replay, limiter and actor state; deterministic mode only. */
  readonly digest?: string;
}
