import { readFile } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { RunError } from "../../errors.ts";
import type { EnvEntry } from "../entry.ts";
import type { Env } from "../env.ts";
import { Simulation } from "../mujoco/engine.ts";
import { readModelFiles } from "../mujoco/model-files.ts";
import { MujocoEnv } from "../mujoco/mujoco-env.ts";
import { synchronisedStepping } from "../mujoco/stepping.ts";
import { describeOptions, parseOptions } from "../options.ts";
import { timeLimit } from "../wrappers/time-limit.ts";
import { LiveSimulation } from "./live-simulation.ts";
import { OwnRules } from "./own-rules.ts";
import { problemOfDefinition, type TaskDefinition, type TaskOptions } from "./task-definition.ts";

/** As the command line has it: nothing is known of the types of a user's options. */
type AnyDefinition = TaskDefinition<TaskOptions>;

/**
 * A task in its short form as an environment; the caller closes it. What `options` may hold is the task's own
 * `options`, `frameSkip` and `maxEpisodeSteps`. A model's path is relative to the working directory.
 *
 * @throws RunError CONFIG_INVALID for a definition or an option that is none, ENV_FAILED when the model cannot be
 * compiled or a function fails.
 */
export async function makeTask<Options extends TaskOptions>(
  definition: TaskDefinition<Options>,
  options?: Readonly<Record<string, unknown>>,
): Promise<Env> {
  const file = resolve("task");
  return await ownEntry(definition as unknown as AnyDefinition, file).make(options);
}

/**
 * A definition as the registry would hold it.
 * @param file The file it stands in; the model's path is relative to it.
 * @throws RunError CONFIG_INVALID naming each part that is not as it should be.
 */
export function ownEntry(definition: AnyDefinition, file: string): EnvEntry {
  const problem = problemOfDefinition(definition);
  if (problem !== null)
    throw new RunError("CONFIG_INVALID", `${file} defines no task:\n${problem}`);
  const id = definition.id ?? basename(file, extname(file));
  const schema = optionSchema(definition);
  return {
    info: {
      id,
      group: "own",
      dt: null,
      maxEpisodeSteps: limitOf(definition),
      rewardThreshold: null,
      rewardTerms: definition.rewardTerms ?? "as defined in the file",
      source: file,
      options: describeOptions(schema),
    },
    make: (raw) => makeOwnEnv({ id, definition, file }, parseOptions(id, schema, raw)),
  };
}

interface OwnTask {
  readonly id: string;
  readonly definition: AnyDefinition;
  readonly file: string;
}

async function makeOwnEnv(
  { id, definition, file }: OwnTask,
  options: Readonly<Record<string, unknown>>,
): Promise<Env> {
  const { model, memory = 0 } = definition;
  const { frameSkip, maxEpisodeSteps } = commonOptions(definition).parse(options);
  const { mjcf, name, folder } = await readModel(id, model, file);
  const files = await readModelFiles(mjcf, folder);
  const simulation = await Simulation.fromMjcf(mjcf, files).catch((thrown: unknown) => {
    const { code, message } = RunError.from(thrown);
    throw new RunError(code, `${id}: ${name}: ${message}`, { cause: thrown });
  });
  try {
    const sim = new LiveSimulation({
      simulation,
      options: options as TaskOptions,
      dt: frameSkip * simulation.timestep,
      memory: new Float64Array(memory),
    });
    simulation.reset();
    const unfit = synchronisedStepping.prepare(simulation);
    if (unfit !== null) throw new RunError("ENV_FAILED", `the model has no dynamics: ${unfit}`);
    const env = new MujocoEnv({
      id,
      simulation,
      rules: new OwnRules(definition, sim),
      frameSkip,
      stepping: synchronisedStepping,
    });
    return maxEpisodeSteps === null ? env : timeLimit(env, maxEpisodeSteps);
  } catch (thrown) {
    simulation.close();
    const { code, message } = RunError.from(thrown);
    throw new RunError(code, `${id}: ${message}`, { cause: thrown });
  }
}

function limitOf({ maxEpisodeSteps = 1000 }: AnyDefinition): number | null {
  return maxEpisodeSteps;
}

/** Options that every definition has. */
function commonOptions(definition: AnyDefinition) {
  return z.object({
    frameSkip: z
      .int()
      .positive()
      .default(definition.frameSkip ?? 1)
      .describe("physics timesteps per step"),
    maxEpisodeSteps: z
      .int()
      .positive()
      .nullable()
      .default(limitOf(definition))
      .describe("steps after which an episode is truncated; null: never"),
  });
}

/** A definition's own options take values of the kind of their defaults. */
function optionSchema(definition: AnyDefinition): z.ZodObject {
  const own = Object.entries(definition.options ?? {}).map(
    ([name, value]) => [name, sameKind(value)] as const,
  );
  return z.strictObject({ ...commonOptions(definition).shape, ...Object.fromEntries(own) });
}

function sameKind(value: TaskOptions[string]): z.ZodType {
  const text = "defined by the task";
  if (typeof value === "number") return z.number().default(value).describe(text);
  if (typeof value === "boolean") return z.boolean().default(value).describe(text);
  if (typeof value === "string") return z.string().default(value).describe(text);
  return z
    .array(z.number())
    .default([...value])
    .describe(text);
}

async function readModel(
  id: string,
  model: string | URL,
  file: string,
): Promise<{ readonly mjcf: string; readonly name: string; readonly folder: string }> {
  if (typeof model === "string" && model.trimStart().startsWith("<")) {
    return { mjcf: model, name: "model", folder: dirname(file) };
  }
  const path = typeof model === "string" ? resolve(dirname(file), model) : fileURLToPath(model);
  try {
    return { mjcf: await readFile(path, "utf8"), name: `model ${path}`, folder: dirname(path) };
  } catch (thrown) {
    const { message } = RunError.from(thrown);
    throw new RunError("CONFIG_INVALID", `${id}: model: ${message}`, { cause: thrown });
  }
}
