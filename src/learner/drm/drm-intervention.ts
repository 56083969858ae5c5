import type { Algorithm, ParameterGroup } from "../../algorithms/algorithm.ts";
import { ENTROPY_BONUS } from "../../algorithms/drm/drm.ts";
import { DRM_GROUP, RATIO_METRIC, TARGET } from "../../algorithms/drm/guidance.ts";
import { perturbationStream, shrinkAndPerturb } from "../../algorithms/drm/perturbation.ts";
import { dormancyNoise, linearNoise, retainedShare } from "../../algorithms/drm/schedules.ts";
import { hasNoiseSchedule, LINEAR, SCHEDULE_GROUP } from "../../algorithms/exploration-noise.ts";
import type { StepResult, TrainStep } from "../../compile/train-step.ts";
import type { Config } from "../../config/schema.ts";
import type { MetricsRecorder } from "../../metrics/recorder.ts";
import type { Intervention, Progress } from "../learner.ts";
import type { DrmState } from "./drm-state.ts";

export interface DrmParts {
  readonly step: TrainStep;
  readonly recorder: MetricsRecorder;
  readonly warn: (message: string) => void;
  /** Told what beta is at first. */
  readonly note: (message: string) => void;
}

type DrmConfig = Pick<Config, "drm" | "seed"> & {
  /** The agent cannot wake up during the random warm-up. */
  readonly learningStarts: number;
};

/** Where "auto" looks for the target, and what it makes of the mean it finds there. */
const CALIBRATION = { updates: 1000, share: 0.5, least: 0.05 } as const;
/** Target until "auto" has found one: the authors'. */
export const DEFAULT_TARGET = 0.2;
/** Updates whose ratios are reported; a target that is met within them is hardly one. */
const REPORT_UPDATES = 10;

/**
 * What DrM does between updates, from beta as the last update measured it: it mixes fresh weights into
 * the networks every so often, notices when the agent wakes up, and says how much actors should explore.
 *
 * Source: Xu et al. 2024, arXiv 2310.19668, sections 3.1 and 3.2.
 */
export class DrmIntervention implements Intervention {
  readonly #parts: DrmParts;
  readonly #config: DrmConfig;
  readonly #algorithm: Algorithm;
  /** A policy with noise of its own gets what the schedule asks beyond its floor; others get it all. */
  readonly #isNoiseless: boolean;
  readonly #settings: Float32Array;
  #state: DrmState;
  #perturbedAt = -1;
  readonly #firstRatios: number[] = [];

  constructor(parts: DrmParts, config: DrmConfig, state?: DrmState) {
    const { target, exploration } = config.drm;
    this.#parts = parts;
    this.#config = config;
    this.#algorithm = parts.step.algorithm;
    this.#isNoiseless = hasNoiseSchedule(this.#algorithm);
    this.#settings = new Float32Array(exploration === "additive" ? 1 : 0);
    this.#state = state ?? {
      ratio: 1,
      target: target === "auto" ? DEFAULT_TARGET : target,
      calibration: target === "auto" ? { count: 0, sum: 0 } : null,
      awakenedAt: null,
      perturbations: 0,
    };
    parts.recorder.goOn("troupe_drm_perturbations_total", this.#state.perturbations);
  }

  /** Measures, and perturbs when it is time to; returns whether it did. */
  onUpdate(result: StepResult, progress: Progress): boolean {
    const ratio = result.metrics[RATIO_METRIC];
    if (result.finite && ratio !== undefined) this.#measured(ratio, progress);
    const { learnerStep } = progress;
    if (learnerStep === this.#perturbedAt + 1) {
      this.#parts.recorder.setLogged("drm/grad_norm_after", result.gradNorm);
    }
    const { perturbInterval } = this.#config.drm;
    if (perturbInterval === 0 || learnerStep % perturbInterval !== 0) return false;
    this.#parts.recorder.setLogged("drm/grad_norm_before", result.gradNorm);
    this.#perturb(learnerStep);
    return true;
  }

  settings({ envSteps }: Pick<Progress, "envSteps">): Float32Array {
    if (this.#settings.length > 0) this.#settings[0] = this.explorationAt(envSteps);
    return this.#settings;
  }

  state(): DrmState {
    return this.#state;
  }

  /**
   * sigma(beta) before the agent wakes up; max(sigma(beta), linear) after it.
   * Source: arXiv 2310.19668, equation 4.
   */
  noiseAt(envSteps: number): number {
    return Math.max(this.#noiseFor(this.#state.ratio), this.#linearAt(envSteps));
  }

  /**
   * What actors add to what the policy draws itself: the schedule's noise less its floor, the noise of an
   * agent without a dormant unit. Nothing once the noise has been lowered. To a policy without noise they
   * add all of it.
   */
  explorationAt(envSteps: number): number {
    const { awakenedAt } = this.#state;
    if (this.#isNoiseless) return this.noiseAt(envSteps);
    const isLowered =
      awakenedAt !== null && envSteps - awakenedAt >= this.#config.drm.explorationSteps;
    return isLowered ? 0 : Math.max(0, this.noiseAt(envSteps) - this.#noiseFor(0));
  }

  /** The schedule's part in the noise, for losses that know the rest; 0 before the agent wakes up. */
  #linearAt(envSteps: number): number {
    const { awakenedAt } = this.#state;
    if (awakenedAt === null) return 0;
    return linearNoise(envSteps - awakenedAt, this.#config.drm.explorationSteps);
  }

  #noiseFor(ratio: number): number {
    const { target } = this.#state;
    return dormancyNoise(ratio, { target, temperature: this.#config.drm.explorationTemperature });
  }

  #measured(ratio: number, { envSteps, learnerStep }: Progress): void {
    this.#state = { ...this.#state, ratio };
    if (learnerStep <= REPORT_UPDATES) this.#report(ratio);
    this.#calibrate(ratio);
    const { target, calibration, awakenedAt } = this.#state;
    const mayWake = calibration === null && envSteps > this.#config.learningStarts;
    if (awakenedAt === null && mayWake && ratio < target) {
      this.#state = { ...this.#state, awakenedAt: envSteps };
      if (learnerStep <= REPORT_UPDATES) this.#warnOfTarget(learnerStep);
    }
    // Every time: a rollback to a checkpoint's parameters brings back the target of then.
    if (this.#config.drm.target === "auto") {
      this.#parts.step.setConstant(DRM_GROUP, TARGET, this.#state.target);
    }
    if (this.#config.drm.exploration === "entropy") this.#raiseEntropy(ratio);
    if (this.#isNoiseless) {
      this.#parts.step.setConstant(SCHEDULE_GROUP, LINEAR, this.#linearAt(envSteps));
    }
    this.#record(envSteps);
  }

  #calibrate(ratio: number): void {
    const { calibration } = this.#state;
    if (calibration === null) return;
    const [count, sum] = [calibration.count + 1, calibration.sum + ratio];
    if (count < CALIBRATION.updates) {
      this.#state = { ...this.#state, calibration: { count, sum } };
      return;
    }
    const target = Math.max(CALIBRATION.least, (CALIBRATION.share * sum) / count);
    this.#state = { ...this.#state, target, calibration: null };
  }

  /** Where beta starts says whether its target means anything for this task. */
  #report(ratio: number): void {
    if (this.#firstRatios.push(ratio) !== REPORT_UPDATES) return;
    const [least, most] = [Math.min(...this.#firstRatios), Math.max(...this.#firstRatios)];
    const { target } = this.#config.drm;
    this.#parts.note(
      `dormant ratio of the first ${REPORT_UPDATES} updates: ${least.toFixed(3)} to ${most.toFixed(3)}; drm.target is ${target}`,
    );
  }

  #warnOfTarget(learnerStep: number): void {
    const { ratio, target } = this.#state;
    this.#parts.warn(
      `update ${learnerStep}: the dormant ratio, ${ratio.toFixed(3)}, is below drm.target (${target}) from the ` +
        "start, so exploration is lowered at once; consider drm.target=auto",
    );
  }

  #raiseEntropy(ratio: number): void {
    const { actionSize } = this.#algorithm.policy;
    const bonus = this.#config.drm.entropyScale * actionSize * this.#noiseFor(ratio);
    this.#parts.step.setConstant(DRM_GROUP, ENTROPY_BONUS, bonus);
    this.#parts.recorder.setLogged("drm/entropy_bonus", bonus);
  }

  #record(envSteps: number): void {
    const { recorder } = this.#parts;
    const { target, awakenedAt } = this.#state;
    recorder.setLogged("drm/target", target);
    recorder.setLogged("drm/awakened_at", awakenedAt ?? -1);
    recorder.setLogged("drm/sigma", this.noiseAt(envSteps));
    if (this.#settings.length > 0) {
      recorder.setLogged("drm/exploration_std", this.explorationAt(envSteps));
    }
  }

  /** Networks and their slow copies get fresh weights mixed in, and their optimisers start anew. */
  #perturb(learnerStep: number): void {
    const { step, recorder } = this.#parts;
    const { perturbRate: rate, perturbMin: min, perturbMax: max } = this.#config.drm;
    const retained = retainedShare(this.#state.ratio, { rate, min, max });
    let [change, before] = [0, 0];
    for (const group of this.#algorithm.groups.filter(hasLayers)) {
      const source = this.#noiseSource(group.name);
      const perturbed = shrinkAndPerturb(group, step.parameters(group.name), {
        retained,
        fresh: (tensor) => perturbationStream(this.#config.seed, learnerStep, [source, tensor]),
      });
      change += perturbed.change;
      before += perturbed.before;
      if (group.optimizer) step.restartOptimizer(group.name);
    }
    this.#perturbedAt = learnerStep;
    this.#state = { ...this.#state, perturbations: this.#state.perturbations + 1 };
    recorder.inc("troupe_drm_perturbations_total");
    recorder.setLogged("drm/retained", retained);
    recorder.setLogged("drm/parameter_change", before > 0 ? Math.sqrt(change / before) : 0);
  }

  /** A slow copy gets its source's fresh weights: others would be a TD error out of nothing. */
  #noiseSource(group: string): string {
    if (this.#config.drm.independentTargetNoise) return group;
    return this.#algorithm.targets.find(({ target }) => target === group)?.source ?? group;
  }
}

function hasLayers({ parameters }: ParameterGroup): boolean {
  return parameters.some(({ isLinear, isConvolution }) => isLinear || isConvolution);
}
