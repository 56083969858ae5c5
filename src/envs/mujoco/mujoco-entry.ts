import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { RunError } from "../../errors.ts";
import type { EnvEntry } from "../entry.ts";
import type { Env } from "../env.ts";
import { describeOptions, parseOptions } from "../options.ts";
import { timeLimit } from "../wrappers/time-limit.ts";
import type { CommonOptions, CommonSchema } from "./common-options.ts";
import { Simulation } from "./engine.ts";
import { readModelFiles } from "./model-files.ts";
import { MujocoEnv } from "./mujoco-env.ts";
import type { MujocoTask } from "./task.ts";

/** A task as the registry holds it; its factory adds the time limit. */
export function mujocoEntry<Schema extends CommonSchema>(task: MujocoTask<Schema>): EnvEntry {
  const { id, group, dt, rewardThreshold, rewardTerms, source } = task;
  const defaults: CommonOptions = parseOptions(id, task.options, {});
  return {
    info: {
      id,
      group,
      dt,
      maxEpisodeSteps: defaults.max_episode_steps,
      rewardThreshold,
      rewardTerms,
      source,
      options: describeOptions(task.options),
    },
    make: (options) => makeMujocoEnv(task, options),
    mjcf: task.mjcf,
  };
}

async function makeMujocoEnv<Schema extends CommonSchema>(
  task: MujocoTask<Schema>,
  rawOptions: unknown,
): Promise<Env> {
  const options = parseOptions(task.id, task.options, rawOptions);
  const { xml_file, frame_skip, max_episode_steps }: CommonOptions = options;
  const mjcf = xml_file === undefined ? task.mjcf : await readModel(task.id, xml_file);
  const files = xml_file === undefined ? undefined : await readModelFiles(mjcf, dirname(xml_file));
  const refuse = (thrown: unknown): never => {
    const { code, message } = RunError.from(thrown);
    throw new RunError(code, `${xml_file ?? task.id}: ${message}`, { cause: thrown });
  };
  const simulation = await Simulation.fromMjcf(mjcf, files).catch(refuse);
  try {
    const env = new MujocoEnv({
      id: task.id,
      simulation,
      rules: task.bind(simulation, options, frame_skip * simulation.timestep),
      frameSkip: frame_skip,
      ...(task.stepping ? { stepping: task.stepping } : {}),
    });
    return max_episode_steps === null ? env : timeLimit(env, max_episode_steps);
  } catch (thrown) {
    simulation.close();
    return refuse(thrown);
  }
}

async function readModel(id: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    const { message } = RunError.from(thrown);
    throw new RunError("CONFIG_INVALID", `${id}: xml_file: ${message}`, { cause: thrown });
  }
}
