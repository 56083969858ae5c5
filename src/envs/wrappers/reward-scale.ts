import type { Env, StepResult } from "../env.ts";
import { Wrapper, WrapperResult } from "./wrapper.ts";

export interface RewardScaleOptions {
  /** 1 when left out. */
  readonly scale?: number | undefined;
  /** Added after scaling; 0 when left out. */
  readonly shift?: number | undefined;
  /** What is outside becomes the nearer of the two; no limits when left out. */
  readonly clip?: readonly [number, number] | undefined;
}

/**
 * Rewards scale r + shift, clipped. Returns that a run reports are of these rewards, too; to scale for learning alone there
 * is `algorithm.rewardScaling`. Takes ownership of `env`.
 *
 * @throws RangeError when a clip's bounds are not in order.
 */
export function rewardScale(env: Env, { scale = 1, shift = 0, clip }: RewardScaleOptions): Env {
  const [low, high] = clip ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (!(low <= high))
    throw new RangeError(`rewards clipped to ${low} and ${high}: the first has to be the lower`);
  return new RewardScale(env, (reward) => Math.max(low, Math.min(scale * reward + shift, high)));
}

class RewardScale extends Wrapper {
  readonly #scaled: (reward: number) => number;
  readonly #result = new WrapperResult();

  constructor(env: Env, scaled: (reward: number) => number) {
    super(env);
    this.#scaled = scaled;
  }

  override step(action: ArrayLike<number>): StepResult {
    const result = this.#result.copy(this.env.step(action));
    result.reward = this.#scaled(result.reward);
    return result;
  }
}
