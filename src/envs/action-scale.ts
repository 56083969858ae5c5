import { RunError } from "../errors.ts";
import type { Env } from "./env.ts";

/** Maps actions, clipped to [-1, 1], to an environment's bounds: middle + half range * action. */
export class ActionScale {
  readonly middle: Float32Array;
  readonly halfRange: Float32Array;
  readonly #scaled: Float32Array;

  /** @throws RunError CONFIG_INVALID unless the action space is a bounded box. */
  constructor(env: Pick<Env, "id" | "actionSpace">) {
    const space = env.actionSpace;
    if (space.kind !== "box") {
      throw new RunError(
        "CONFIG_INVALID",
        `${env.id} has ${space.count} discrete actions; continuous control needs a box of actions`,
      );
    }
    const { low, high, size } = space;
    this.middle = new Float32Array(size);
    this.halfRange = new Float32Array(size);
    this.#scaled = new Float32Array(size);
    for (const [i, bottom] of low.entries()) {
      const top = high[i] ?? Number.NaN;
      if (!Number.isFinite(bottom) || !Number.isFinite(top)) {
        throw new RunError(
          "CONFIG_INVALID",
          `${env.id}: action ${i} is bounded by [${bottom}, ${top}]; give finite bounds to scale to (an actuator's ctrlrange)`,
        );
      }
      this.middle[i] = (bottom + top) / 2;
      this.halfRange[i] = (top - bottom) / 2;
    }
  }

  /** The environment's action; the array is reused by the next call. */
  toEnv(action: ArrayLike<number>): Float32Array {
    const scaled = this.#scaled;
    for (let i = 0; i < scaled.length; i++) {
      const inside = Math.max(-1, Math.min(action[i] ?? 0, 1));
      scaled[i] = (this.middle[i] ?? 0) + (this.halfRange[i] ?? 1) * inside;
    }
    return scaled;
  }
}
