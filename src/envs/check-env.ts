import { z } from "zod";
import { RunError } from "../errors.ts";
import type { Env } from "./env.ts";
import { explainIssues } from "./options.ts";

const bounds = z.instanceof(Float32Array, { error: "must be a Float32Array" });

const box = z
  .object({ kind: z.literal("box"), size: z.int().positive(), low: bounds, high: bounds })
  .refine(
    ({ size, low, high }) => low.length === size && high.length === size,
    "low and high must have as many numbers as size says",
  )
  .refine(
    ({ low, high }) => low.every((value, i) => value <= (high[i] ?? NaN)),
    "no number of low may be greater than that of high, nor NaN",
  );

const discrete = z.object({ kind: z.literal("discrete"), count: z.int().positive() });

const method = z.custom<() => unknown>((value) => typeof value === "function", "must be a method");

const schema = z.object({
  id: z.string().min(1),
  observationSpace: box,
  actionSpace: z.discriminatedUnion("kind", [box, discrete]),
  maxEpisodeSteps: z.union(
    [z.int().positive(), z.literal(Number.POSITIVE_INFINITY)],
    "must be a whole number of at least 1, or Infinity for no limit",
  ),
  reset: method,
  step: method,
  snapshot: method.optional(),
  restore: method.optional(),
  close: method,
});

/**
 * Returns `env`, made outside this project, once its parts are what `Env` says.
 * @throws RunError ENV_FAILED naming each part that is not.
 */
export function checkEnv(name: string, env: Env): Env {
  if (typeof env !== "object" || env === null) {
    throw new RunError("ENV_FAILED", `${name} makes no environment, but ${String(env)}`);
  }
  const { success, error } = schema.safeParse(env);
  if (success) return env;
  const sentences = explainIssues(error, env, (key) => `${key} is unknown`);
  const message = `${name} does not make an environment:\n${sentences.join("\n")}`;
  throw new RunError("ENV_FAILED", message);
}
