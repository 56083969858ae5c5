import { z } from "zod";
import { RunError } from "../errors.ts";
import type { Env } from "./env.ts";

const bounds = z.instanceof(Float32Array);

const box = z
  .object({ kind: z.literal("box"), size: z.int().positive(), low: bounds, high: bounds })
  .refine(
    ({ size, low, high }) => low.length === size && high.length === size,
    "low and high are [size]",
  )
  .refine(({ low, high }) => low.every((value, i) => value <= (high[i] ?? NaN)), "low <= high");

const discrete = z.object({ kind: z.literal("discrete"), count: z.int().positive() });

const method = z.custom<() => unknown>((value) => typeof value === "function", "expected a method");

const schema = z.object({
  id: z.string().min(1),
  observationSpace: box,
  actionSpace: z.discriminatedUnion("kind", [box, discrete]),
  maxEpisodeSteps: z.union([z.int().positive(), z.literal(Number.POSITIVE_INFINITY)]),
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
  const { success, error } = schema.safeParse(env);
  if (success) return env;
  const message = `${name} does not make an environment:\n${z.prettifyError(error)}`;
  throw new RunError("ENV_FAILED", message);
}
