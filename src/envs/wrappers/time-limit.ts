import { z } from "zod";
import type { Env, ResetOptions, ResetResult, StepResult } from "../env.ts";
import { Wrapper, WrapperResult, type WrapperState } from "./wrapper.ts";

/**
 * Truncates an environment's episodes on the step whose number reaches `limit`; `terminated` keeps its
 * own value. Takes ownership of `env`.
 *
 * @throws RangeError unless `limit` is a positive integer.
 */
export function timeLimit(env: Env, limit: number): Env {
  if (!(Number.isInteger(limit) && limit > 0)) throw new RangeError(`time limit ${limit}`);
  return new TimeLimit(env, limit);
}

const stateSchema = z.strictObject({ elapsed: z.int().nonnegative() });

class TimeLimit extends Wrapper {
  readonly #result = new WrapperResult();
  #elapsed = 0;

  constructor(env: Env, limit: number) {
    super(env, { maxEpisodeSteps: Math.min(limit, env.maxEpisodeSteps) });
  }

  override reset(options?: ResetOptions): ResetResult {
    this.#elapsed = 0;
    return super.reset(options);
  }

  override step(action: ArrayLike<number>): StepResult {
    const result = this.#result.copy(this.env.step(action));
    this.#elapsed++;
    result.truncated ||= this.#elapsed >= this.maxEpisodeSteps;
    return result;
  }

  protected override saveState(): WrapperState {
    return { elapsed: this.#elapsed };
  }

  protected override loadState(state: WrapperState, shown: ResetResult): ResetResult | null {
    const { success, data } = stateSchema.safeParse(state);
    if (!success) return null;
    this.#elapsed = data.elapsed;
    return shown;
  }
}
