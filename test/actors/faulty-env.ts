import type { BoxSpace, Env, EnvSnapshot, ResetResult, StepResult } from "../../src/envs/env.ts";

export type Fault = "throw" | "nan-reward" | "nan-observation" | "async" | "no-flag" | "endless";

/** Counts its steps in the observation; misbehaves at the steps it is told to. */
export class FaultyEnv implements Env {
  readonly id = "Faulty-v0";
  readonly observationSpace: BoxSpace = box(1, -Infinity, Infinity);
  readonly actionSpace: BoxSpace = box(2, -3, 1);
  readonly maxEpisodeSteps: number;
  readonly actions: number[][] = [];
  resets = 0;
  readonly #faults: ReadonlyMap<number, Fault>;
  #total = 0;
  #episodeStep = 0;

  /** @param faults By step, counted over all episodes from 1. */
  constructor(maxEpisodeSteps: number, faults: readonly (readonly [number, Fault])[] = []) {
    this.maxEpisodeSteps = maxEpisodeSteps;
    this.#faults = new Map(faults);
  }

  reset(): ResetResult {
    this.resets += 1;
    this.#episodeStep = 0;
    return { observation: Float64Array.of(0), info: {} };
  }

  step(action: ArrayLike<number>): StepResult {
    this.actions.push([...Array.from(action)]);
    this.#total += 1;
    this.#episodeStep += 1;
    const fault = this.#faults.get(this.#total);
    if (fault === "throw") throw new Error("the task's own bug");
    const isLast = this.#episodeStep === this.maxEpisodeSteps && fault !== "endless";
    const result = {
      observation: Float64Array.of(fault === "nan-observation" ? Number.NaN : this.#episodeStep),
      reward: fault === "nan-reward" ? Number.NaN : 1,
      terminated: false,
      truncated: fault === "no-flag" ? (undefined as never) : isLast,
      info: {},
    };
    return fault === "async" ? (Promise.resolve(result) as never) : result;
  }

  snapshot(): EnvSnapshot {
    return { total: this.#total, episodeStep: this.#episodeStep };
  }

  restore(snapshot: EnvSnapshot): ResetResult {
    this.#total = Number(snapshot["total"]);
    this.#episodeStep = Number(snapshot["episodeStep"]);
    return { observation: Float64Array.of(this.#episodeStep), info: {} };
  }

  close(): void {}
}

function box(size: number, low: number, high: number): BoxSpace {
  return {
    kind: "box",
    size,
    low: new Float32Array(size).fill(low),
    high: new Float32Array(size).fill(high),
  };
}
