import type { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import type { CommonSchema } from "./common-options.ts";
import type { Simulation } from "./engine.ts";
import type { ModelEdit } from "./model-edits.ts";
import type { Stepping } from "./stepping.ts";

/** Numbers about a step or reset, overwritten in place. */
export type InfoBuffer = Record<string, number>;

/**
 * What makes a simulation a task: start state, observation, reward and end. Bound to one simulation
 * and one set of options; the numbers it publishes are overwritten by each call.
 */
export interface TaskRules {
  readonly observationSize: number;
  /**
   * What the next step's reward compares with, e.g. the last x position. Part of a snapshot, because
   * arrays such as xpos lag behind the state and cannot be recomputed from it.
   */
  readonly memory: Float64Array;
  /** What `drawStart` may change in the model; undone before each draw, kept in snapshots. */
  readonly edits?: readonly ModelEdit[];
  readonly resetInfo: InfoBuffer;
  readonly stepInfo: InfoBuffer;
  /** Of the last step. */
  readonly reward: number;
  readonly terminated: boolean;

  /**
   * Draws a start state into the simulation, which has just been reset.
   * @throws RunError when there is none.
   */
  drawStart(random: RandomStream): void;
  /** Sets `memory` and `resetInfo` for an episode that starts at the simulation's state. */
  begin(): void;
  observe(observation: Float64Array): void;
  /** Sets `reward`, `terminated`, `stepInfo` and `memory` after a step under `ctrl`. */
  judge(ctrl: Float64Array): void;
}

/** A task as data: a MuJoCo model and the rules on top of it. */
export interface MujocoTask<Schema extends CommonSchema> {
  readonly id: string;
  readonly group: string;
  readonly mjcf: string;
  /** Seconds per step under default options. */
  readonly dt: number;
  /** Mean return over 100 episodes that counts as solved; null where none is agreed. */
  readonly rewardThreshold: number | null;
  /** The reward in words. */
  readonly rewardTerms: string;
  readonly source: string;
  readonly options: Schema;
  /** Gymnasium's, plainStepping, when left out. */
  readonly stepping?: Stepping;
  /** @param dt Seconds per step under the options in force. */
  bind(simulation: Simulation, options: z.output<Schema>, dt: number): TaskRules;
}
