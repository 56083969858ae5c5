import { z } from "zod";
import { RunError } from "../errors.ts";
import type { EnvEntry } from "./entry.ts";
import type { BoxSpace, Env } from "./env.ts";
import { parseOptions } from "./options.ts";

/** `external/NAME` is an environment that actors in other languages have. */
const PREFIX = "external/";

const numbers = z.array(z.number()).nonempty();

const schema = z.strictObject({
  observation_size: z.int().positive().describe("numbers in an observation"),
  action_low: numbers.describe("least action, one number for each of its components"),
  action_high: numbers.describe("greatest action"),
  max_episode_steps: z.int().positive().optional().describe("steps per episode; none: no limit"),
});

export function isExternal(id: string): boolean {
  return id.startsWith(PREFIX);
}

/**
 * What is known of an environment that this process cannot step: its sizes, which are in its options and are
 * what a learner needs; its episodes come from actors (docs/protocol.md, examples/python-actor).
 */
export function externalEntry(id: string): EnvEntry {
  return {
    info: {
      id,
      group: "external",
      dt: null,
      maxEpisodeSteps: null,
      rewardThreshold: null,
      rewardTerms: "as the actors that have it send them",
      source: "actors in other processes (docs/protocol.md); its spaces are those of env.options",
      options: Object.entries(schema.shape).map(([name, { description = "" }]) => ({
        name,
        default: undefined,
        description,
      })),
    },
    make: async (options) => externalEnv(id, options),
    isExternal: true,
  };
}

/** @throws RunError CONFIG_INVALID for sizes that are missing or do not fit. */
function externalEnv(id: string, options: unknown): Env {
  const { observation_size, action_low, action_high, max_episode_steps } = parseOptions(
    id,
    schema,
    options,
  );
  const wrong = action_low.findIndex((low, i) => !(low < (action_high[i] ?? Number.NaN)));
  if (action_low.length !== action_high.length || wrong >= 0) {
    throw new RunError(
      "CONFIG_INVALID",
      `${id}: action_low ${JSON.stringify(action_low)} and action_high ${JSON.stringify(action_high)} ` +
        "have to have as many numbers, each low below its high",
    );
  }
  const refuse = (): never => {
    throw new RunError("ENV_FAILED", `${id} can only be stepped by actors that have it`);
  };
  return {
    id,
    observationSpace: box(
      new Float32Array(observation_size).fill(Number.NEGATIVE_INFINITY),
      new Float32Array(observation_size).fill(Number.POSITIVE_INFINITY),
    ),
    actionSpace: box(Float32Array.from(action_low), Float32Array.from(action_high)),
    maxEpisodeSteps: max_episode_steps ?? Number.POSITIVE_INFINITY,
    reset: refuse,
    step: refuse,
    close: () => undefined,
  };
}

function box(low: Float32Array, high: Float32Array): BoxSpace {
  return { kind: "box", size: low.length, low, high };
}
