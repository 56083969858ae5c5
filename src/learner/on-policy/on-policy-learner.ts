import { setImmediate as nextMacrotask } from "node:timers/promises";
import type { StepResult, TrainStep } from "../../compile/train-step.ts";
import type { TurnRule } from "../../config/on-policy.ts";
import type { RandomStream } from "../../math/random.ts";
import type { MetricsRecorder } from "../../metrics/recorder.ts";
import type { LearnerLink, UnrollFrame } from "../../protocol.ts";
import type { TurnQueue } from "../../replay/turn-queue.ts";
import { type Refusal, refuseUnroll } from "../../replay/unroll-check.ts";
import type { ActorCursors } from "../actor-cursors.ts";
import type { Chores, LearnerLoop, Progress } from "../learner.ts";
import type { NonFiniteGuard } from "../non-finite-guard.ts";
import type { ObservationNormalizer } from "../observation-normalizer.ts";
import type { RewardScaler } from "../reward-scaler.ts";
import { waitForFrames } from "../wait-for-frames.ts";
import type { Intake, Iteration } from "./intake.ts";
import { createMinibatch, type Minibatch, Minibatches } from "./minibatches.ts";
import { explainedVariance, type Rollout, type RolloutScales } from "./rollout.ts";
import type { TurnMemory } from "./turn-memory.ts";

export interface OnPolicyOptions {
  readonly totalSteps: number;
  /** How far actors may be ahead. */
  readonly rule: TurnRule;
  readonly epochs: number;
  readonly batchSize: number;
  /** Lower the learning rate linearly to 0 at `totalSteps`. */
  readonly annealLearningRate: boolean;
  readonly learningRate: number;
  readonly normalizeAdvantages: boolean;
  /** Mean KL divergence of an epoch after which there is no other. */
  readonly targetKl: number;
  /** Sizes of what may come in. */
  readonly shape: Parameters<typeof refuseUnroll>[1];
}

/** Turns raw data into what the update wants. */
export type Estimate = (
  iteration: Iteration,
  scales: RolloutScales & { readonly version: number },
) => Promise<Rollout>;

export interface OnPolicyParts {
  /** Where to go on from; kept up to date. */
  readonly progress: Progress;
  readonly link: LearnerLink;
  readonly queue: TurnQueue;
  readonly intake: Intake;
  readonly memory: TurnMemory;
  readonly estimate: Estimate;
  readonly step: TrainStep;
  readonly normalizer: ObservationNormalizer;
  /** Left out where rewards stay as they are. */
  readonly rewardScaler?: RewardScaler;
  readonly guard: NonFiniteGuard;
  readonly recorder: MetricsRecorder;
  /** Orders minibatches. */
  readonly sampling: RandomStream;
  /** Noise of the losses. */
  readonly noise: RandomStream;
  readonly chores: Chores;
  /** Where actors on other machines stand; left out in one process. */
  readonly cursors?: ActorCursors;
}

const LISTEN_INTERVAL_MS = 50;

/**
 * Who learns from what its own policy does:
 *
 *     repeat: publish, which grants a turn; wait for every actor's turn; estimate advantages;
 *             some epochs of minibatches
 *
 * Statistics of observations and rewards change between iterations only, so that what actors recorded
 * about their actions stays exact.
 */
export class OnPolicyLearner implements LearnerLoop {
  readonly progress: Progress;
  readonly #parts: OnPolicyParts;
  readonly #options: OnPolicyOptions;
  readonly #batch: Minibatch;
  readonly #noise: Readonly<Record<string, Float32Array>>;
  #stopRequested = false;
  #listenedAt = 0;

  constructor(parts: OnPolicyParts, options: OnPolicyOptions) {
    this.#parts = parts;
    this.#options = options;
    this.progress = parts.progress;
    this.#batch = createMinibatch(options.batchSize, options.shape);
    this.#noise = parts.step.createNoise();
  }

  stop(): void {
    this.#stopRequested = true;
  }

  get stopRequested(): boolean {
    return this.#stopRequested;
  }

  async run(): Promise<"completed" | "stopped"> {
    // A resumed run's actors have a turn to do with the policy of before.
    const { next } = this.#parts.memory;
    if (next) this.#parts.link.publish(next);
    for (;;) {
      this.#parts.chores.atBoundary(this.progress);
      if (this.progress.envSteps >= this.#options.totalSteps) return "completed";
      if (this.#stopRequested) return "stopped";
      this.#publish();
      const iteration = await this.#collect();
      if (iteration) await this.#learn(iteration);
    }
  }

  /** The version is the number of iterations that have made the policy. */
  #publish(): void {
    const { link, step, normalizer, recorder, memory } = this.#parts;
    const { ahead, holdsFrames } = this.#options.rule;
    const { turns } = this.progress;
    const start = performance.now();
    const policy = {
      version: turns,
      turn: turns + 1 + ahead,
      parameters: step.published(),
      normalizer: normalizer.published(),
    };
    link.publish(policy);
    if (holdsFrames) memory.publish(policy);
    const seconds = (performance.now() - start) / 1000;
    recorder.observe("troupe_publish_duration_seconds", seconds);
    recorder.set("troupe_learner_policy_version", turns);
  }

  /** Waits for the data of an iteration; undefined when asked to stop before it is there. */
  async #collect(): Promise<Iteration | undefined> {
    const { intake, chores } = this.#parts;
    for (;;) {
      const isFull = !this.#takeFrames();
      const iteration = intake.next(this.progress.turns, performance.now());
      this.#countDropped();
      if (iteration) return iteration;
      // Nothing can be taken and nothing more put in: what comes next is lost, or all would wait for ever.
      if (isFull) this.#dropFrame();
      chores.atBoundary(this.progress);
      if (this.#stopRequested) return undefined;
      if (!isFull) waitForFrames(this.#parts, "replay_starved");
      await this.#listen();
    }
  }

  /** Takes in what has arrived; false when there was no room for all of it. */
  #takeFrames(): boolean {
    let hasRoom = true;
    this.#parts.link.receive((frame) => {
      hasRoom = this.#take(frame);
      return hasRoom;
    });
    return hasRoom;
  }

  #take(frame: UnrollFrame): boolean {
    const { queue, cursors } = this.#parts;
    const refusal = refuseUnroll(frame.unroll, this.#options.shape);
    if (refusal) this.#refuse(refusal);
    else if (!queue.push(frame)) return false;
    cursors?.saw(frame);
    return true;
  }

  #refuse(reason: Refusal): void {
    this.#parts.recorder.inc("troupe_trajectory_dropped_total", 1, { reason });
  }

  #dropFrame(): void {
    const { link, recorder, cursors } = this.#parts;
    let dropped = 0;
    link.receive((frame) => {
      cursors?.saw(frame);
      dropped += 1;
      return dropped === 1;
    });
    recorder.inc("troupe_trajectory_dropped_total", 1, { reason: "queue-full" });
  }

  #countDropped(): void {
    const { queue, intake, recorder } = this.#parts;
    const abandoned = queue.takeAbandonedSteps();
    const stale = intake.takeStaleSteps();
    if (abandoned > 0) {
      recorder.inc("troupe_on_policy_dropped_steps_total", abandoned, { reason: "unfinished" });
    }
    if (stale > 0) recorder.inc("troupe_on_policy_dropped_steps_total", stale, { reason: "age" });
  }

  async #learn(iteration: Iteration): Promise<void> {
    const { progress } = this;
    const { normalizer, rewardScaler, recorder, estimate } = this.#parts;
    const frames = iteration.turns.flatMap((turn) => turn.frames);
    this.#recordIteration(iteration);
    for (const frame of frames) rewardScaler?.observe(frame);
    const rewardScale = rewardScaler?.scale ?? 1;
    const scales = { normalizer, rewardScale, version: progress.turns };
    const rollout = await estimate(iteration, scales);
    recorder.set("troupe_train_reward_scale", rewardScale);
    const variance = explainedVariance(rollout);
    if (Number.isFinite(variance)) recorder.setLogged("train/explained_variance", variance);

    await this.#update(rollout);

    for (const { unroll } of frames) normalizer.observe(unroll);
    progress.envSteps += rollout.steps;
    recorder.inc("troupe_env_steps_total", rollout.steps);
    progress.turns += 1;
    this.#parts.memory.learned(progress.turns);
    const { snapshot } = frames.at(-1) ?? {};
    if (snapshot) progress.actorSnapshot = snapshot;
  }

  /** Some epochs of minibatches; fewer when the policy has moved too far. */
  async #update(rollout: Rollout): Promise<void> {
    const { epochs, batchSize, targetKl, normalizeAdvantages } = this.#options;
    const { sampling, recorder } = this.#parts;
    const minibatches = new Minibatches(rollout, { normalizes: normalizeAdvantages });
    const count = minibatches.count(batchSize);
    const rateScale = this.#rateScale();
    recorder.setLogged("train/learning_rate", rateScale * this.#options.learningRate);
    for (let epoch = 0; epoch < epochs; epoch++) {
      minibatches.shuffle(sampling);
      let divergence = 0;
      for (let index = 0; index < count; index++) {
        minibatches.fill(this.#batch, index);
        const result = await this.#step(rateScale);
        divergence += result.metrics["train/approx_kl"] ?? 0;
        await this.#listen();
      }
      if (targetKl > 0 && divergence / count > targetKl) {
        recorder.inc("troupe_on_policy_kl_stops_total");
        return;
      }
    }
  }

  async #step(rateScale: number): Promise<StepResult> {
    const { step, guard, recorder, chores, noise } = this.#parts;
    const start = performance.now();
    for (const column of Object.values(this.#noise)) noise.fillNormal(column);
    const result = await step.step(this.#batch, this.#noise, rateScale);
    this.progress.learnerStep += 1;
    const { learnerStep } = this.progress;
    if (result.finite) guard.wasFinite();
    else guard.wasNotFinite({ batch: this.#batch, noise: this.#noise, learnerStep });
    const seconds = (performance.now() - start) / 1000;
    recorder.inc("troupe_learner_updates_total", 1);
    recorder.inc("troupe_learner_samples_total", this.#batch.size);
    recorder.observe("troupe_learner_update_duration_seconds", seconds);
    chores.onUpdate(result);
    return result;
  }

  #rateScale(): number {
    const { annealLearningRate, totalSteps } = this.#options;
    return annealLearningRate ? Math.max(0, 1 - this.progress.envSteps / totalSteps) : 1;
  }

  #recordIteration({ turns, missing }: Iteration): void {
    const { recorder } = this.#parts;
    for (const { policyVersion, frames } of turns) {
      const age = this.progress.turns - policyVersion;
      for (const _ of frames) recorder.observe("troupe_policy_lag_versions", age);
    }
    if (missing > 0) recorder.inc("troupe_on_policy_missing_turns_total", missing);
  }

  /** Lets control messages in and reports, every so often. */
  async #listen(): Promise<void> {
    const now = performance.now();
    if (now - this.#listenedAt < LISTEN_INTERVAL_MS) return;
    this.#listenedAt = now;
    // Actors that are ahead need not wait for the update's end to hand their unrolls over.
    this.#takeFrames();
    this.#parts.chores.report(this.progress);
    await nextMacrotask();
  }
}
