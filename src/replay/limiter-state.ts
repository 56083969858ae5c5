import { z } from "zod";
import { RunError } from "../errors.ts";
import type { LimiterState } from "./rate-limiter.ts";

const schema = z.strictObject({
  samplesPerInsert: z.number().positive(),
  minSize: z.int().positive(),
  errorBuffer: z.number().positive(),
  inserts: z.int().nonnegative(),
  samples: z.int().nonnegative(),
  offset: z.number(),
  size: z.int().nonnegative(),
}) satisfies z.ZodType<LimiterState>;

/** @throws RunError CHECKPOINT_CORRUPT when `raw`, from JSON, is not a saved limiter. */
export function parseLimiterState(raw: unknown): LimiterState {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  throw new RunError("CHECKPOINT_CORRUPT", `the limiter's state: ${z.prettifyError(result.error)}`);
}
