import { z } from "zod";
import type { Env, ResetOptions, ResetResult, StepResult } from "../env.ts";
import { Wrapper, WrapperResult, type WrapperState } from "./wrapper.ts";

/**
 * Adds `episode_return` and `episode_length`, up to and with the step, to each step's info. Takes
 * ownership of `env`.
 */
export function episodeStatistics(env: Env): Env {
  return new EpisodeStatistics(env);
}

const stateSchema = z.strictObject({ return: z.number(), length: z.int().nonnegative() });

class EpisodeStatistics extends Wrapper {
  readonly #result = new WrapperResult();
  readonly #info: Record<string, number> = {};
  #return = 0;
  #length = 0;

  constructor(env: Env) {
    super(env);
  }

  override reset(options?: ResetOptions): ResetResult {
    this.#return = 0;
    this.#length = 0;
    return super.reset(options);
  }

  override step(action: ArrayLike<number>): StepResult {
    const result = this.#result.copy(this.env.step(action));
    this.#return += result.reward;
    this.#length++;
    Object.assign(this.#info, result.info);
    this.#info["episode_return"] = this.#return;
    this.#info["episode_length"] = this.#length;
    result.info = this.#info;
    return result;
  }

  protected override saveState(): WrapperState {
    return { return: this.#return, length: this.#length };
  }

  protected override loadState(state: WrapperState, shown: ResetResult): ResetResult | null {
    const { success, data } = stateSchema.safeParse(state);
    if (!success) return null;
    this.#return = data.return;
    this.#length = data.length;
    return shown;
  }
}
