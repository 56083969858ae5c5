import type { BoxSpace, Env, StepResult } from "../env.ts";
import { Wrapper } from "./wrapper.ts";

/**
 * Lets actions range over [low, high] in every component and maps them linearly to the bounds of the
 * environment's own. Takes ownership of `env`.
 *
 * @throws RangeError unless low < high and the environment's actions are a bounded box.
 */
export function actionRescale(env: Env, [low, high]: readonly [number, number]): Env {
  const { actionSpace: space } = env;
  if (!(low < high))
    throw new RangeError(`actions from ${low} to ${high}: the first has to be the lower`);
  if (space.kind !== "box" || !isBounded(space)) {
    throw new RangeError(`the actions of ${env.id} have no bounds to be scaled to`);
  }
  return new ActionRescale(env, space, [low, high]);
}

function isBounded({ low, high }: BoxSpace): boolean {
  return low.every(Number.isFinite) && high.every(Number.isFinite);
}

class ActionRescale extends Wrapper {
  readonly #own: BoxSpace;
  readonly #inner: BoxSpace;
  readonly #action: Float64Array;

  constructor(env: Env, inner: BoxSpace, [low, high]: readonly [number, number]) {
    const { size } = inner;
    const own: BoxSpace = {
      kind: "box",
      size,
      low: new Float32Array(size).fill(low),
      high: new Float32Array(size).fill(high),
    };
    super(env, { actionSpace: own });
    this.#own = own;
    this.#inner = inner;
    this.#action = new Float64Array(size);
  }

  override step(action: ArrayLike<number>): StepResult {
    const [own, inner, scaled] = [this.#own, this.#inner, this.#action];
    // The environment says what is wrong with an action of another length.
    if (action.length !== scaled.length) return this.env.step(action);
    for (let i = 0; i < scaled.length; i++) {
      const share = (action[i]! - own.low[i]!) / (own.high[i]! - own.low[i]!);
      scaled[i] = inner.low[i]! + share * (inner.high[i]! - inner.low[i]!);
    }
    return this.env.step(scaled);
  }
}
