import type { Env, StepResult } from "../env.ts";
import { Wrapper, WrapperResult } from "./wrapper.ts";

/**
 * Does each action `times` times, or until the episode ends. The reward is the sum; observation and info
 * are the last ones. Episodes have as many steps fewer. Takes ownership of `env`.
 *
 * @throws RangeError unless `times` is a positive integer, or when observations are a camera's: each step has to add
 * one frame to them (`ImageSpace`).
 */
export function actionRepeat(env: Env, times: number): Env {
  if (!(Number.isInteger(times) && times > 0)) throw new RangeError(`${times} times`);
  if (env.observationSpace.image && times > 1) {
    throw new RangeError(
      "a camera's frames come one by step: repeat actions before them, or with the camera's own option, " +
        `{pixels: {repeat: ${times}}}`,
    );
  }
  return new ActionRepeat(env, times);
}

class ActionRepeat extends Wrapper {
  readonly #times: number;
  readonly #result = new WrapperResult();

  constructor(env: Env, times: number) {
    super(env, {
      maxEpisodeSteps: Math.ceil(env.maxEpisodeSteps / times),
      ...(env.dt === undefined ? {} : { dt: times * env.dt }),
    });
    this.#times = times;
  }

  override step(action: ArrayLike<number>): StepResult {
    const result = this.#result;
    let reward = 0;
    for (let i = 0; i < this.#times; i++) {
      result.copy(this.env.step(action));
      reward += result.reward;
      if (result.terminated || result.truncated) break;
    }
    result.reward = reward;
    return result;
  }
}
