import type { BoxSpace, Env, ResetOptions, ResetResult, StepResult } from "../env.ts";
import { Wrapper, WrapperResult, type WrapperState } from "./wrapper.ts";

/** Numbers for each component, or one for all of them. */
export type PerComponent = number | readonly number[];

export interface ObservationScaleOptions {
  /** Subtracted first; 0 when left out. */
  readonly mean?: PerComponent | undefined;
  /** Multiplied with then; 1 when left out. */
  readonly scale?: PerComponent | undefined;
  /** What is beyond +-clip becomes that; no limit when left out. */
  readonly clip?: number | undefined;
}

/**
 * Shows clip((observation - mean) scale, -clip, clip). For statistics that are learned with the run there is
 * `algorithm.normalizeObservations`. Takes ownership of `env`.
 *
 * @throws RangeError when a list has another length than observations, a scale is not positive, or they are a camera's.
 */
export function observationScale(env: Env, options: ObservationScaleOptions): Env {
  const { size, image } = env.observationSpace;
  if (image) throw new RangeError("a camera's bytes are scaled by the network that sees them");
  const { clip = Number.POSITIVE_INFINITY } = options;
  const mean = spread("mean", options.mean ?? 0, size);
  const scale = spread("scale", options.scale ?? 1, size);
  if (!(scale.every((value) => value > 0) && clip > 0)) {
    throw new RangeError("scale and clip have to be positive");
  }
  return new ObservationScale(env, { mean, scale, clip });
}

function spread(name: string, given: PerComponent, size: number): Float64Array {
  if (typeof given === "number") return new Float64Array(size).fill(given);
  if (given.length === size) return Float64Array.from(given);
  throw new RangeError(`${name} has ${given.length} numbers, an observation ${size}`);
}

interface Scaling {
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  readonly clip: number;
}

class ObservationScale extends Wrapper {
  readonly #scaling: Scaling;
  readonly #observation: Float64Array;
  readonly #result = new WrapperResult();

  constructor(env: Env, scaling: Scaling) {
    super(env, { observationSpace: scaledSpace(env.observationSpace, scaling) });
    this.#scaling = scaling;
    this.#observation = new Float64Array(env.observationSpace.size);
  }

  override reset(options?: ResetOptions): ResetResult {
    return this.#shown(this.env.reset(options));
  }

  override step(action: ArrayLike<number>): StepResult {
    const result = this.#result.copy(this.env.step(action));
    scaleInto(result.observation, this.#observation, this.#scaling);
    result.observation = this.#observation;
    return result;
  }

  protected override loadState(_state: WrapperState, shown: ResetResult): ResetResult {
    return this.#shown(shown);
  }

  #shown({ observation, info }: ResetResult): ResetResult {
    scaleInto(observation, this.#observation, this.#scaling);
    return { observation: this.#observation, info };
  }
}

function scaledSpace({ size, low, high }: BoxSpace, scaling: Scaling): BoxSpace {
  const bounds = { low: new Float64Array(size), high: new Float64Array(size) };
  scaleInto(low, bounds.low, scaling);
  scaleInto(high, bounds.high, scaling);
  return {
    kind: "box",
    size,
    low: Float32Array.from(bounds.low, (value) => -roundedUp(-value)),
    high: Float32Array.from(bounds.high, roundedUp),
  };
}

/** The next float32 that is not below, so that rounding puts no observation outside the space. */
function roundedUp(value: number): number {
  const near = Math.fround(value);
  return near >= value ? near : Math.fround(value + Math.abs(value) * 2 ** -23);
}

function scaleInto(from: ArrayLike<number>, to: Float64Array, scaling: Scaling): void {
  const { mean, scale, clip } = scaling;
  for (let i = 0; i < to.length; i++) {
    to[i] = Math.max(-clip, Math.min((from[i]! - mean[i]!) * scale[i]!, clip));
  }
}
