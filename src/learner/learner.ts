import { setImmediate as nextMacrotask } from "node:timers/promises";
import type { StepResult, TrainStep } from "../compile/train-step.ts";
import { RunError } from "../errors.ts";
import type { RandomStream } from "../math/random.ts";
import type { MetricsRecorder } from "../metrics/recorder.ts";
import type { LearnerLink, UnrollFrame } from "../protocol.ts";
import type { ReplayBatch } from "../replay/batch.ts";
import type { Replay } from "../replay/replay.ts";
import type { ActorCursors } from "./actor-cursors.ts";
import type { ImageShift } from "./image-shift.ts";
import type { NonFiniteGuard } from "./non-finite-guard.ts";
import type { ObservationNormalizer } from "./observation-normalizer.ts";
import type { Pace } from "./pace.ts";
import type { ReplayMeter } from "./replay-meter.ts";
import { type RewardScaler, scaleRewards } from "./reward-scaler.ts";
import { waitForFrames } from "./wait-for-frames.ts";

export interface LearnerOptions {
  readonly totalSteps: number;
  readonly learningStarts: number;
  /** Learner steps between published policies. */
  readonly publishInterval: number;
  /** Power of the importance weights at the start; rises to 1 at `totalSteps`. */
  readonly importanceExponent: number;
}

export interface LearnerParts {
  /** Where to go on from; kept up to date. */
  readonly progress: Progress;
  readonly link: LearnerLink;
  readonly replay: Replay;
  readonly pace: Pace;
  readonly step: TrainStep;
  readonly normalizer: ObservationNormalizer;
  /** Left out where observations are no images, or stay as they are. */
  readonly imageShift?: ImageShift;
  /** Left out where rewards stay as they are. */
  readonly rewardScaler?: RewardScaler;
  readonly guard: NonFiniteGuard;
  /** Left out where nothing but gradient steps changes the parameters. */
  readonly intervention?: Intervention;
  readonly recorder: MetricsRecorder;
  readonly meter: ReplayMeter;
  /** Draws batches. */
  readonly sampling: RandomStream;
  /** Noise of the losses. */
  readonly noise: RandomStream;
  readonly chores: Chores;
  /** Where actors on other machines stand; left out in one process. */
  readonly cursors?: ActorCursors;
}

/** What else the learner's thread does, and decides itself when it is due. */
export interface Chores {
  onUpdate(result: StepResult): void;
  /** Between updates, where a cut is consistent: checkpoints, evaluations. */
  atBoundary(progress: Progress): void;
  /** Anywhere: reports. */
  report(progress: Progress): void;
}

/** What a method does between updates, beside gradient steps. */
export interface Intervention {
  /** @returns Whether actors should have the policy at once. */
  onUpdate(result: StepResult, progress: Progress): boolean;
  /** What actors are sent after the policy's parameters, as `Policy.settings` says. */
  settings(progress: Progress): Float32Array;
}

/** Who learns, seen from the thread that runs it. */
export interface LearnerLoop {
  readonly progress: Progress;
  /** Asks for the end after what is under way. */
  stop(): void;
  readonly stopRequested: boolean;
  run(): Promise<"completed" | "stopped">;
}

/** Where a run stands. */
export interface Progress {
  envSteps: number;
  learnerStep: number;
  /** Turns taken, where actors take turns; on-policy learners' iterations. */
  turns: number;
  /** The actor's state after the last turn; deterministic mode only. */
  actorSnapshot: Uint8Array;
}

/** Below every learner step: nothing has been published yet, or nothing that is still good. */
const NEVER = -1;
/** Control messages are heard at least this often. */
const LISTEN_INTERVAL_MS = 50;

/**
 * Who learns:
 *
 *     repeat: take in unrolls; if the pace allows, draw a batch, step, set its priorities; publish
 *
 * The thread does nothing else. Replay, limiter and parameters have this one owner, so a checkpoint
 * between two updates is a consistent cut.
 */
export class Learner implements LearnerLoop {
  readonly progress: Progress;
  readonly #parts: LearnerParts;
  readonly #options: LearnerOptions;
  readonly #batch: ReplayBatch;
  readonly #noise: Readonly<Record<string, Float32Array>>;
  #stopRequested = false;
  #publishedStep = NEVER;
  #listenedAt = 0;

  constructor(parts: LearnerParts, options: LearnerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.progress = parts.progress;
    this.#batch = parts.replay.createBatch();
    this.#noise = parts.step.createNoise();
  }

  stop(): void {
    this.#stopRequested = true;
  }

  get stopRequested(): boolean {
    return this.#stopRequested;
  }

  /** Learns until `totalSteps` environment steps are in and their updates done, or until `stop`. */
  async run(): Promise<"completed" | "stopped"> {
    const { pace, chores } = this.#parts;
    for (;;) {
      this.#takeFrames();
      if (pace.maySample()) await this.#update();
      else if (!this.#isDone) this.#waitForFrames();
      if (pace.atBoundary) {
        chores.atBoundary(this.progress);
        if (this.#isDone) return "completed";
        if (this.#stopRequested) return "stopped";
        this.#publishIfDue();
      }
      await this.#listen();
    }
  }

  get #isDone(): boolean {
    const { pace } = this.#parts;
    return pace.atBoundary && this.#hasAllSteps && !pace.maySample();
  }

  get #isWarm(): boolean {
    return this.progress.envSteps >= this.#options.learningStarts;
  }

  get #hasAllSteps(): boolean {
    return this.progress.envSteps >= this.#options.totalSteps;
  }

  #takeFrames(): void {
    this.#parts.link.receive((frame) => {
      if (this.#hasAllSteps && this.#parts.pace.atBoundary) return false;
      if (!this.#parts.pace.mayInsert(frame.unroll.length)) return false;
      this.#insert(frame);
      return true;
    });
  }

  #insert(frame: UnrollFrame): void {
    const { replay, pace, normalizer, recorder, cursors } = this.#parts;
    const { unroll } = frame;
    const refusal = replay.insert(unroll);
    if (refusal) {
      // Frames of the log have been checked and have a number; a gap would shift all that follow.
      if (cursors) throw new RunError("INTERNAL", `replay refused a logged unroll: ${refusal}`);
      recorder.inc("troupe_trajectory_dropped_total", 1, { reason: refusal });
    } else {
      this.#recordAge(unroll.policyVersions);
      normalizer.observe(unroll);
      this.#parts.rewardScaler?.observe(frame);
      pace.onInsert(unroll.length);
      this.progress.envSteps += unroll.length;
      recorder.inc("troupe_env_steps_total", unroll.length);
    }
    cursors?.saw(frame);
    if (frame.endsTurn) {
      this.progress.turns += 1;
      this.progress.actorSnapshot = frame.snapshot.slice();
      pace.onTurnEnd();
    }
  }

  #recordAge(policyVersions: Int32Array): void {
    const version = policyVersions[0] ?? -1;
    if (version < 0) return;
    this.#parts.recorder.observe("troupe_policy_lag_versions", this.progress.learnerStep - version);
  }

  async #update(): Promise<void> {
    const { replay, pace, step, normalizer, guard, recorder, meter, sampling, noise } = this.#parts;
    const batch = this.#batch;
    const start = performance.now();
    const importanceExponent = importanceExponentAt(this.progress.envSteps, this.#options);
    replay.sample(batch, sampling, importanceExponent);
    meter.drawn(batch, importanceExponent);
    pace.onSample();
    normalizer.apply(batch);
    this.#parts.imageShift?.apply(batch, noise);
    this.#scaleRewards();
    for (const column of Object.values(this.#noise)) noise.fillNormal(column);
    const sampled = performance.now();
    const result = await step.step(batch, this.#noise);
    const stepped = performance.now();
    this.progress.learnerStep += 1;
    if (result.finite) {
      const { priorities } = result.perSample;
      if (priorities) replay.updatePriorities(batch, priorities);
      guard.wasFinite();
      this.#parts.rewardScaler?.priced(result.metrics["train/ent_coef"] ?? 0);
    } else {
      guard.wasNotFinite({
        batch,
        noise: this.#noise,
        learnerStep: this.progress.learnerStep,
      });
    }
    if (this.#parts.intervention?.onUpdate(result, this.progress)) this.#publishedStep = NEVER;
    recorder.inc("troupe_learner_updates_total", 1);
    recorder.inc("troupe_learner_samples_total", batch.size);
    recorder.observe("troupe_replay_sample_duration_seconds", (sampled - start) / 1000);
    recorder.observe("troupe_learner_update_duration_seconds", (stepped - sampled) / 1000);
    this.#parts.chores.onUpdate(result);
  }

  #scaleRewards(): void {
    const { rewardScaler, recorder } = this.#parts;
    if (!rewardScaler) return;
    const { scale } = rewardScaler;
    scaleRewards(this.#batch, scale);
    recorder.set("troupe_train_reward_scale", scale);
  }

  #waitForFrames(): void {
    waitForFrames(this.#parts, this.#isWarm ? "replay_starved" : "warm_up");
  }

  /** Publishes from the end of the warm-up on; a pace with turns also grants the next one this way. */
  #publishIfDue(): void {
    const { pace, link, step, normalizer, recorder } = this.#parts;
    const { learnerStep, turns } = this.progress;
    const warm = this.#isWarm;
    const due = learnerStep - this.#publishedStep >= this.#options.publishInterval;
    if (!pace.grantsTurns && !(warm && (this.#publishedStep < 0 || due))) return;
    const start = performance.now();
    link.publish({
      version: warm ? learnerStep : -1,
      turn: turns + 1,
      parameters: this.#withSettings(step.published()),
      normalizer: normalizer.published(),
    });
    const seconds = (performance.now() - start) / 1000;
    recorder.observe("troupe_publish_duration_seconds", seconds);
    if (warm) recorder.set("troupe_learner_policy_version", learnerStep);
    this.#publishedStep = learnerStep;
    pace.onPublish();
  }

  #withSettings(parameters: Float32Array): Float32Array {
    const settings = this.#parts.intervention?.settings(this.progress);
    if (!settings || settings.length === 0) return parameters;
    const both = new Float32Array(parameters.length + settings.length);
    both.set(parameters);
    both.set(settings, parameters.length);
    return both;
  }

  /** Lets control messages in and reports, every so often. */
  async #listen(): Promise<void> {
    const now = performance.now();
    if (now - this.#listenedAt < LISTEN_INTERVAL_MS) return;
    this.#listenedAt = now;
    this.#parts.chores.report(this.progress);
    await nextMacrotask();
  }
}

/** Linear from its configured start to 1 at the end of the run. */
export function importanceExponentAt(
  envSteps: number,
  { importanceExponent, totalSteps }: Pick<LearnerOptions, "importanceExponent" | "totalSteps">,
): number {
  const done = Math.min(1, envSteps / totalSteps);
  return importanceExponent + (1 - importanceExponent) * done;
}
