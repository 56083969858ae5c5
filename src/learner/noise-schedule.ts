import { linearNoise } from "../algorithms/drm/schedules.ts";
import { LINEAR, SCHEDULE_GROUP } from "../algorithms/exploration-noise.ts";
import type { TrainStep } from "../compile/train-step.ts";
import type { MetricsRecorder } from "../metrics/recorder.ts";
import type { Intervention, Progress } from "./learner.ts";

/**
 * The noise on a deterministic policy's actions, by environment steps alone.
 *
 * Source: Yarats et al. 2021, arXiv 2107.09645, section 3.2.
 */
export class NoiseSchedule implements Intervention {
  readonly #parts: { readonly step: TrainStep; readonly recorder: MetricsRecorder };
  readonly #durationSteps: number;
  readonly #settings = new Float32Array(1);

  /** @param durationSteps Environment steps in which the noise falls. */
  constructor(
    parts: { readonly step: TrainStep; readonly recorder: MetricsRecorder },
    durationSteps: number,
  ) {
    this.#parts = parts;
    this.#durationSteps = durationSteps;
  }

  onUpdate(_result: unknown, { envSteps }: Pick<Progress, "envSteps">): boolean {
    const std = linearNoise(envSteps, this.#durationSteps);
    this.#parts.step.setConstant(SCHEDULE_GROUP, LINEAR, std);
    this.#parts.recorder.setLogged("train/action_noise_std", std);
    return false;
  }

  settings({ envSteps }: Pick<Progress, "envSteps">): Float32Array {
    this.#settings[0] = linearNoise(envSteps, this.#durationSteps);
    return this.#settings;
  }

  /** All of it follows from the environment steps. */
  state(): undefined {
    return undefined;
  }
}
