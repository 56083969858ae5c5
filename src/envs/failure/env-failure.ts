import { z } from "zod";
import { RunError } from "../../errors.ts";

/** What the environment was asked for when it failed. */
export type EnvCall = "reset" | "step";

const schema = z.strictObject({
  format: z.literal(1),
  /** The sentence that was logged. */
  message: z.string(),
  env: z.strictObject({
    id: z.string().min(1),
    options: z.record(z.string(), z.unknown()),
  }),
  /** Of the environment's random stream. */
  seed: z.number(),
  /** Resets since the seed was set; 0: the first had not come back. */
  episode: z.int().nonnegative(),
  /** Steps of the episode, with the one that failed. */
  step: z.int().nonnegative(),
  during: z.enum(["reset", "step"]),
  start: z.strictObject({
    /** Steps of the episode before the first of `actions`. */
    step: z.int().nonnegative(),
    /** The environment's state then; null: it has none, and the episode is started by its number. */
    snapshot: z.record(z.string(), z.unknown()).nullable(),
  }),
  /** As handed to `step`, up to the one that failed. */
  actions: z.array(z.array(z.number())),
});

/** How to make an environment fail again: plain JSON. */
export type EnvFailure = z.output<typeof schema>;

/** @throws RunError CONFIG_INVALID saying what is not as it should be. */
export function parseEnvFailure(text: string, name: string): EnvFailure {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    const { message } = RunError.from(thrown);
    throw new RunError("CONFIG_INVALID", `${name}: ${message}`, { cause: thrown });
  }
  const { data, error } = schema.safeParse(value);
  if (data) return data;
  throw new RunError("CONFIG_INVALID", `${name} is no saved failure:\n${z.prettifyError(error)}`);
}

/** Where something failed. */
export type FailurePlace = Pick<EnvFailure, "during" | "step" | "seed" | "episode">;

/** `id: what at place`, without saying again what `what` says. */
export function failureSentence(id: string, what: string, place: FailurePlace): string {
  const named = what.startsWith(`${id}: `) ? what : `${id}: ${what}`;
  // Environments of this project say themselves where it was.
  return named.includes(`seed ${place.seed}, `) ? named : `${named} at ${placeOfFailure(place)}`;
}

/** `step 12 (seed 5, episode 3)`, or `the reset …`. */
export function placeOfFailure({ during, step, seed, episode }: FailurePlace): string {
  const call = during === "step" ? `step ${step}` : "the reset";
  return `${call} (seed ${seed}, episode ${during === "reset" ? episode + 1 : episode})`;
}
