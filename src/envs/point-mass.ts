import { z } from "zod";
import { RunError } from "../errors.ts";
import { RandomStream } from "../math/random.ts";
import type { EnvEntry } from "./entry.ts";
import type { BoxSpace, Env, EnvSnapshot, ResetOptions, ResetResult, StepResult } from "./env.ts";
import { decodeFloat64, encodeFloat64, float64Text } from "./float64-text.ts";
import { describeOptions, parseOptions } from "./options.ts";
import { randomStateSchema } from "./random-state.ts";
import { timeLimit } from "./wrappers/time-limit.ts";

const ID = "PointMass-v0";

/** Distance one step covers at full action. */
const REACH = 0.25;

const options = z.strictObject({
  dimensions: z.int().positive().default(2).describe("coordinates of the point"),
  max_episode_steps: z.int().positive().default(20).describe("steps per episode"),
});

const snapshotSchema = z.strictObject({
  position: float64Text,
  random: randomStateSchema,
});

/**
 * The smallest control task: a point in [-1, 1]^n is moved to the origin. No physics; it exists for
 * tests, since its best return is known.
 *
 *     p' = clip(p + 0.25 clip(a, -1, 1), -1, 1),   reward = -|p'|^2
 */
class PointMass implements Env {
  readonly id = ID;
  readonly observationSpace: BoxSpace;
  readonly actionSpace: BoxSpace;
  readonly maxEpisodeSteps = Number.POSITIVE_INFINITY;

  readonly #position: Float64Array;
  readonly #result = {
    observation: new Float64Array(0) as Float64Array,
    reward: 0,
    terminated: false,
    truncated: false,
    info: {},
  };
  #random = RandomStream.derive(0, "env");

  constructor(dimensions: number) {
    const cube: BoxSpace = {
      kind: "box",
      size: dimensions,
      low: new Float32Array(dimensions).fill(-1),
      high: new Float32Array(dimensions).fill(1),
    };
    this.observationSpace = cube;
    this.actionSpace = cube;
    this.#position = new Float64Array(dimensions);
    this.#result.observation = this.#position;
  }

  reset({ seed, state }: ResetOptions = {}): ResetResult {
    if (seed !== undefined) this.#random = RandomStream.derive(seed, "env");
    const position = this.#position;
    for (let i = 0; i < position.length; i++) position[i] = this.#random.uniformBetween(-1, 1);
    if (state?.qpos) position.set(state.qpos);
    return { observation: position, info: {} };
  }

  step(action: ArrayLike<number>): StepResult {
    const position = this.#position;
    let squared = 0;
    for (const [i, from] of position.entries()) {
      const push = action[i] ?? Number.NaN;
      if (!Number.isFinite(push) || action.length !== position.length) {
        throw new RunError("ENV_FAILED", `${this.id}: action [${Array.from(action)}]`);
      }
      const to = clip(from + REACH * clip(push));
      position[i] = to;
      squared += to * to;
    }
    this.#result.reward = -squared;
    return this.#result;
  }

  snapshot(): EnvSnapshot {
    return { position: encodeFloat64(this.#position), random: this.#random.state() };
  }

  restore(snapshot: EnvSnapshot): ResetResult {
    const { data, error } = snapshotSchema.safeParse(snapshot);
    const position = error ? [] : decodeFloat64(data.position);
    if (error || position.length !== this.#position.length) {
      throw new RunError("CHECKPOINT_INCOMPATIBLE", `no snapshot of ${this.id}`);
    }
    this.#position.set(position);
    this.#random = RandomStream.fromState(data.random);
    return { observation: this.#position, info: {} };
  }

  close(): void {}
}

export const pointMassEntry: EnvEntry = {
  info: {
    id: ID,
    group: "test",
    dt: null,
    maxEpisodeSteps: options.parse({}).max_episode_steps,
    rewardThreshold: null,
    rewardTerms: "- squared distance from the origin",
    source: "Troupe: a task without physics whose best return is known",
    options: describeOptions(options),
  },
  async make(rawOptions) {
    const { dimensions, max_episode_steps } = parseOptions(ID, options, rawOptions);
    return timeLimit(new PointMass(dimensions), max_episode_steps);
  },
};

/**
 * The highest return from `start` in `steps` steps: each coordinate goes straight to 0.
 *
 *     - sum over coordinates and t = 1..steps of max(0, |p_0| - 0.25 t)^2
 */
export function pointMassBestReturn(start: ArrayLike<number>, steps: number): number {
  let sum = 0;
  for (const position of Array.from(start)) {
    for (let t = 1; t <= steps; t++) sum -= Math.max(0, Math.abs(position) - REACH * t) ** 2;
  }
  return sum;
}

function clip(value: number): number {
  return Math.min(Math.max(value, -1), 1);
}
