import { setTimeout as sleep } from "node:timers/promises";
import type { StepResult } from "../compile/train-step.ts";
import type { Config } from "../config/schema.ts";
import { RunError } from "../errors.ts";
import { gaugeOfLogKey } from "../metrics/definitions.ts";
import type { MetricsRecorder } from "../metrics/recorder.ts";
import type { LearnerLink } from "../protocol.ts";
import { CriticWatch } from "./critic-watch.ts";
import type { Cut } from "./cut.ts";
import { ExpertWatch } from "./expert-watch.ts";
import type { Chores, Progress } from "./learner.ts";
import type { EvaluationScore, LearnerEvent } from "./learner-task.ts";

export interface ChoresParts {
  readonly cut: Cut;
  readonly link: LearnerLink;
  readonly recorder: MetricsRecorder;
  /** Measures what is remembered. */
  readonly meter: { read(): void };
  readonly emit: (event: LearnerEvent) => void;
}

export interface ChoresOptions {
  /** Environment steps between evaluations; 0: never. */
  readonly evaluationInterval: number;
  /** Seconds between checkpoints; 0: not by time. */
  readonly checkpointSeconds: number;
  /** Environment steps between checkpoints; 0: not by steps. */
  readonly checkpointSteps: number;
  /** Environment steps between policies that are kept for good; 0: none. */
  readonly milestoneInterval: number;
  /** What warnings about critics and experts depend on. */
  readonly config: Pick<Config, "algorithm" | "pmoe">;
}

interface Asked {
  resolve(name: string): void;
  reject(reason: RunError): void;
}

const REPORT_INTERVAL_MS = 500;
const EVALUATION_POLL_MS = 20;
const MAX_PENDING_EVALUATIONS = 2;
const CHECKPOINT_RETRY_MS = 15_000;

/** Steps counted in intervals: due once each time another interval has been passed. */
class Milestones {
  readonly #interval: number;
  #passed: number;

  constructor(interval: number, steps: number) {
    this.#interval = interval;
    this.#passed = interval > 0 ? Math.floor(steps / interval) : 0;
  }

  isDue(steps: number): boolean {
    if (this.#interval <= 0) return false;
    const passed = Math.floor(steps / this.#interval);
    const due = passed > this.#passed;
    this.#passed = passed;
    return due;
  }
}

/** Checkpoints, evaluations and reports of the learner's thread, each on its own schedule. */
export class LearnerChores implements Chores {
  readonly #options: ChoresOptions;
  readonly #parts: ChoresParts;
  readonly #evaluations: Milestones;
  readonly #checkpoints: Milestones;
  readonly #milestones: Milestones;
  #checkpointedAt = performance.now();
  #reportedAt = 0;
  #evaluatedStep = -1;
  /** Who asked for a checkpoint and waits for its name. */
  readonly #asked: Asked[] = [];
  /** When to try again after a failure. */
  #retryAt: number | undefined;
  /** Sums since the last report. */
  readonly #trainSums = new Map<string, number>();
  readonly #criticWatch: CriticWatch;
  readonly #expertWatch: ExpertWatch;
  readonly #unknownMetrics = new Set<string>();
  #updates = 0;

  constructor(options: ChoresOptions, parts: ChoresParts) {
    const { envSteps } = parts.cut.progress;
    const warn = (message: string): void => parts.emit({ type: "warning", message });
    this.#criticWatch = new CriticWatch(warn, options.config);
    this.#expertWatch = new ExpertWatch(warn, options.config);
    this.#options = options;
    this.#parts = parts;
    this.#evaluations = new Milestones(options.evaluationInterval, envSteps);
    this.#checkpoints = new Milestones(options.checkpointSteps, envSteps);
    this.#milestones = new Milestones(options.milestoneInterval, envSteps);
  }

  onUpdate(result: StepResult): void {
    if (!result.finite) return;
    this.#updates += 1;
    for (const [name, value] of Object.entries(result.metrics)) this.#sum(name, value);
    this.#sum("train/grad_norm", result.gradNorm);
    this.#criticWatch.onUpdate(result.metrics);
    const deadExperts = this.#expertWatch.onUpdate(result.metrics);
    if (deadExperts !== undefined)
      this.#parts.recorder.set("troupe_pmoe_dead_experts", deadExperts);
  }

  atBoundary(progress: Progress): void {
    const { envSteps } = progress;
    if (this.#evaluations.isDue(envSteps)) this.#evaluateUnlessBehind(envSteps);
    if (this.#milestones.isDue(envSteps))
      this.#tryWrite("milestone", (cut) => cut.writeMilestone());
    const { checkpointSeconds } = this.#options;
    const now = performance.now();
    const elapsed = (now - this.#checkpointedAt) / 1000;
    const byTime = checkpointSeconds > 0 && elapsed >= checkpointSeconds;
    const bySteps = this.#checkpoints.isDue(envSteps);
    // After a failure the next attempt has its own time; only somebody who asks need not wait for it.
    const isDue = this.#retryAt === undefined ? bySteps || byTime : now >= this.#retryAt;
    if (isDue || this.#asked.length > 0) this.#tryCheckpoint();
  }

  #tryCheckpoint(): void {
    try {
      this.checkpoint();
      this.#retryAt = undefined;
    } catch (thrown) {
      const error = diskFull(thrown);
      this.#retryAt = performance.now() + CHECKPOINT_RETRY_MS;
      this.#parts.recorder.inc("troupe_checkpoint_failures_total");
      this.#warnOfDisk("checkpoint", error, `trying again in ${CHECKPOINT_RETRY_MS / 1000} s`);
      for (const { reject } of this.#asked.splice(0)) reject(error);
    }
  }

  /** Undefined when there was no room: nobody tries again. */
  #tryWrite<Result>(what: string, write: (cut: Cut) => Result): Result | undefined {
    try {
      return write(this.#parts.cut);
    } catch (thrown) {
      this.#warnOfDisk(what, diskFull(thrown), "the run goes on without");
      return undefined;
    }
  }

  #warnOfDisk(what: string, { message }: RunError, next: string): void {
    this.#parts.emit({ type: "warning", message: `no ${what}: ${message}; ${next}` });
  }

  /** Asks for a checkpoint at the next boundary; resolves with its name, rejects when the disk is full. */
  requestCheckpoint(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
    });
  }

  /**
   * Evaluates the last policy, if evaluations are wanted, and waits for all that are under way.
   * @param givenUp Returns true when there is no more time.
   */
  async finish(givenUp: () => boolean): Promise<void> {
    const { envSteps } = this.#parts.cut.progress;
    if (this.#options.evaluationInterval > 0 && this.#evaluatedStep < envSteps) this.evaluate();
    while (this.#parts.cut.pendingEvaluations > 0 && !givenUp()) await sleep(EVALUATION_POLL_MS);
  }

  /** Evaluations slower than their interval must not pile up, each with a copy of all parameters. */
  #evaluateUnlessBehind(envSteps: number): void {
    const { cut, emit } = this.#parts;
    if (cut.pendingEvaluations < MAX_PENDING_EVALUATIONS) {
      this.evaluate();
      return;
    }
    emit({
      type: "warning",
      message:
        `no evaluation at step ${envSteps}: ${MAX_PENDING_EVALUATIONS} are not done yet; ` +
        "raise evaluation.interval or lower evaluation.episodes",
    });
  }

  /** Asks for an evaluation of the policy as it is now. */
  evaluate(): void {
    this.#evaluatedStep = this.#parts.cut.progress.envSteps;
    this.#parts.emit({ type: "evaluate", snapshot: this.#parts.cut.policySnapshot() });
  }

  /** Takes in what an evaluation found; the best snapshot so far is kept. */
  evaluated(score: EvaluationScore): void {
    const isBest = this.#tryWrite("copy of the best policy", (cut) => cut.keepIfBest(score));
    if (isBest) this.#parts.emit({ type: "best", score });
  }

  /** Writes a checkpoint now. @throws RunError DISK_FULL */
  checkpoint(): void {
    const start = performance.now();
    const { name, sizeBytes } = this.#parts.cut.write();
    this.#checkpointedAt = performance.now();
    const seconds = (this.#checkpointedAt - start) / 1000;
    const { recorder } = this.#parts;
    recorder.observe("troupe_checkpoint_duration_seconds", seconds);
    recorder.set("troupe_checkpoint_size_bytes", sizeBytes);
    recorder.set("troupe_checkpoint_last_success_timestamp_seconds", Date.now() / 1000);
    recorder.inc("troupe_blocked_seconds_total", seconds, {
      side: "learner",
      reason: "checkpoint",
    });
    this.#parts.emit({ type: "checkpoint", name, seconds });
    for (const { resolve } of this.#asked.splice(0)) resolve(name);
  }

  report(progress: Progress): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#reportedAt = now;
    this.flush(progress);
  }

  /** Posts everything recorded since the last time. */
  flush({ envSteps, learnerStep }: Progress): void {
    const { cut, recorder, meter, link, emit } = this.#parts;
    for (const [name, sum] of this.#trainSums) {
      if (gaugeOfLogKey(name)) recorder.setLogged(name, sum / this.#updates);
      else this.#warnOfMetric(name);
    }
    this.#trainSums.clear();
    this.#updates = 0;
    meter.read();
    recorder.set("troupe_trajectory_queue_length", link.waiting);
    emit({ type: "metrics", update: recorder.drain() });
    emit({ type: "progress", envSteps, learnerStep, limiter: cut.explain() });
  }

  /** Of a plugin's; ours are declared. */
  #warnOfMetric(name: string): void {
    if (this.#unknownMetrics.has(name)) return;
    this.#unknownMetrics.add(name);
    const message = `there is no metric ${name}; what a plugin says of it is not recorded`;
    this.#parts.emit({ type: "warning", message });
  }

  #sum(name: string, value: number): void {
    this.#trainSums.set(name, (this.#trainSums.get(name) ?? 0) + value);
  }
}

/**
 * A full disk is no reason to end a run: earlier checkpoints are whole, and room may be made.
 * @throws What is no full disk.
 */
function diskFull(thrown: unknown): RunError {
  const error = RunError.from(thrown);
  if (error.code !== "DISK_FULL") throw thrown;
  return error;
}
