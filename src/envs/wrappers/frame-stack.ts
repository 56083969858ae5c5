import { z } from "zod";
import type { BoxSpace, Env, ResetOptions, ResetResult, StepResult } from "../env.ts";
import { decodeFloat64, encodeFloat64, float64Text } from "../float64-text.ts";
import { Wrapper, WrapperResult, type WrapperState } from "./wrapper.ts";

/**
 * Shows the last `count` observations, oldest first, as one vector; the first of an episode stands for
 * those before it. Takes ownership of `env`.
 *
 * @throws RangeError unless `count` is a positive integer and the observations are vectors.
 */
export function frameStack(env: Env, count: number): Env {
  if (!(Number.isInteger(count) && count > 0)) throw new RangeError(`${count} frames`);
  if (env.observationSpace.image) {
    throw new RangeError("a camera's frames are stacked by the option of the camera");
  }
  return new FrameStack(env, count);
}

const stateSchema = z.strictObject({ frames: float64Text });

class FrameStack extends Wrapper {
  readonly #frames: Float64Array;
  readonly #size: number;
  readonly #result = new WrapperResult();

  constructor(env: Env, count: number) {
    super(env, { observationSpace: stacked(env.observationSpace, count) });
    this.#size = env.observationSpace.size;
    this.#frames = new Float64Array(count * this.#size);
  }

  override reset(options?: ResetOptions): ResetResult {
    const { observation, info } = this.env.reset(options);
    for (let at = 0; at < this.#frames.length; at += this.#size) this.#frames.set(observation, at);
    return { observation: this.#frames, info };
  }

  override step(action: ArrayLike<number>): StepResult {
    const result = this.#result.copy(this.env.step(action));
    this.#frames.copyWithin(0, this.#size);
    this.#frames.set(result.observation, this.#frames.length - this.#size);
    result.observation = this.#frames;
    return result;
  }

  protected override saveState(): WrapperState {
    return { frames: encodeFloat64(this.#frames) };
  }

  protected override loadState(state: WrapperState, { info }: ResetResult): ResetResult | null {
    const { success, data } = stateSchema.safeParse(state);
    const frames = success ? decodeFloat64(data.frames) : undefined;
    if (frames?.length !== this.#frames.length) return null;
    this.#frames.set(frames);
    return { observation: this.#frames, info };
  }
}

function stacked({ kind, size, low, high }: BoxSpace, count: number): BoxSpace {
  const repeat = (bounds: Float32Array): Float32Array =>
    Float32Array.from({ length: count * size }, (_, i) => bounds[i % size]!);
  return { kind, size: count * size, low: repeat(low), high: repeat(high) };
}
