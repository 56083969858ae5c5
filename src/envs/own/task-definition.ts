import type { MjData, MjModel } from "@mujoco/mujoco";
import { z } from "zod";
import { didYouMean } from "../../config/nearest.ts";
import { explainIssues, OPTIONS_EVERYWHERE } from "../options.ts";

/** Settings of a task with their defaults, which also say what kind of value each takes. */
export type TaskOptions = Readonly<Record<string, number | boolean | string | readonly number[]>>;

/** Random numbers that come from the episode's seed. */
export interface TaskRandom {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform in [low, high). */
  uniformBetween(low: number, high: number): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Standard normal. */
  normal(): number;
}

/** Where a body, geom or site is, in world coordinates. Live views: copy what is kept. */
export interface TaskFrame {
  /** [3] metres. */
  readonly position: Float64Array;
  /** [9], a rotation matrix row by row. */
  readonly rotation: Float64Array;
}

/** A joint's part of qpos and qvel; writable in `reset`. Live views. */
export interface TaskJoint {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
}

/**
 * The simulation as a task's functions see it. Arrays are live views into the engine: copy what is kept.
 * After a step positions, velocities and what follows from them are those of the new state; contact forces
 * and accelerations are those of the last timestep.
 *
 * What is looked up by name fails with the nearest name there is.
 */
export interface TaskSimulation<Options extends TaskOptions = TaskOptions> {
  /** The settings in force. */
  readonly options: Options;
  /** Seconds per step. */
  readonly dt: number;
  /** Seconds since the start of the episode. */
  readonly time: number;
  /** [nq] */
  readonly qpos: Float64Array;
  /** [nv] */
  readonly qvel: Float64Array;
  /** [na], states of actuators that have one. */
  readonly act: Float64Array;
  /** [nu], the action of the last step. */
  readonly ctrl: Float64Array;
  /** [definition.memory], kept from step to step and in checkpoints; zeros when an episode starts. */
  readonly memory: Float64Array;

  joint(name: string): TaskJoint;
  body(name: string): TaskFrame;
  geom(name: string): TaskFrame;
  site(name: string): TaskFrame;
  /** [the sensor's size] */
  sensor(name: string): Float64Array;

  /** MuJoCo's own structures, for whatever is not above. */
  readonly model: MjModel;
  readonly data: MjData;
}

/** Numbers and vectors, put one after the other: `[sim.qpos, sim.time]`. */
export type TaskObservation = ArrayLike<number> | readonly (number | ArrayLike<number>)[];

/**
 * A task in its short form: a MuJoCo model, and functions for reward, observation and end. What a step is, how
 * episodes are seeded, cut off and checkpointed comes with it. Actions are the model's controls, bounded by
 * their `ctrlrange`.
 */
export interface TaskDefinition<Options extends TaskOptions = TaskOptions> {
  /** The name in logs and run folders; the file's when left out. */
  readonly id?: string;
  /**
   * An MJCF file, relative to the task's own, or MJCF text, which begins with "<". Meshes, textures and included
   * files are found where MuJoCo would look for them.
   */
  readonly model: string | URL;
  /** Physics timesteps per step; 1 when left out. */
  readonly frameSkip?: number;
  /** Steps after which an episode is truncated; 1000 when left out, null: never. */
  readonly maxEpisodeSteps?: number | null;
  /** Settings that `--set env.options.NAME=value` changes, with their defaults. */
  readonly options?: Options;
  /** How many numbers the task keeps from step to step in `sim.memory`; 0 when left out. */
  readonly memory?: number;
  /** The reward in words, for `troupe env show`. */
  readonly rewardTerms?: string;

  /** Draws a start: writes `sim.qpos` and `sim.qvel`, which hold the model's reference state. */
  reset?(sim: TaskSimulation<Options>, random: TaskRandom): void;
  /** Sets `sim.memory` once the start is known. */
  begin?(sim: TaskSimulation<Options>): void;
  /** What the policy sees: as many numbers in every step. */
  observation(sim: TaskSimulation<Options>): TaskObservation;
  /**
   * The reward of the step just taken, or its terms by name, whose sum it is; they are shown one by one.
   * @param action [nu], as it was given, unclipped.
   */
  reward(
    sim: TaskSimulation<Options>,
    action: Float64Array,
  ): number | Readonly<Record<string, number>>;
  /** Whether the state has no future; never when left out. Asked after `reward`. */
  terminated?(sim: TaskSimulation<Options>): boolean;
}

/**
 * Declares a task for `troupe train ./my-task.ts`, with types:
 *
 *     export default defineTask({ model: "./arm.xml", observation: (sim) => …, reward: (sim) => … });
 */
export function defineTask<Options extends TaskOptions>(
  definition: TaskDefinition<Options>,
): TaskDefinition<Options> {
  return definition;
}

const method = z.custom<() => unknown>(
  (value) => typeof value === "function",
  "must be a function",
);

/** Options that every task has already. */
const TAKEN: readonly string[] = ["frameSkip", "maxEpisodeSteps", ...OPTIONS_EVERYWHERE];

const definitionSchema = z.strictObject({
  id: z.string().min(1).optional(),
  model: z.union([z.string().min(1), z.instanceof(URL)], {
    error: "must be the path of an MJCF file, or MJCF text",
  }),
  frameSkip: z.int().positive().optional(),
  maxEpisodeSteps: z.int().positive().nullable().optional(),
  options: z
    .record(
      z.string().refine((name) => !TAKEN.includes(name)),
      z.union(
        [z.number(), z.boolean(), z.string(), z.array(z.number())],
        "must be a number, true or false, text or a list of numbers",
      ),
    )
    .optional(),
  memory: z.int().nonnegative().optional(),
  rewardTerms: z.string().optional(),
  reset: method.optional(),
  begin: method.optional(),
  observation: method,
  reward: method,
  terminated: method.optional(),
});

/** What is wrong with a definition, a line for each part; null: nothing. */
export function problemOfDefinition(definition: unknown): string | null {
  const { success, error } = definitionSchema.safeParse(definition);
  if (success) return null;
  const taken = error.issues.filter(({ code }) => code === "invalid_key");
  const names = Object.keys(definitionSchema.shape);
  const unknown = (key: string): string =>
    `${key} is nothing a task has${didYouMean(key, names) || `; that is ${names.join(", ")}`}`;
  return [
    ...explainIssues(
      new z.ZodError(error.issues.filter((issue) => !taken.includes(issue))),
      definition,
      unknown,
    ),
    ...taken.map(
      ({ path }) => `${path.join(".")} needs another name: every task has an option of this one`,
    ),
  ].join("\n");
}
