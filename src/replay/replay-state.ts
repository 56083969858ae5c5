import { z } from "zod";
import { RunError } from "../errors.ts";
import { REFUSALS } from "./unroll-check.ts";

const count = z.int().nonnegative();

const file = z.object({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  sizeBytes: count,
  sha256: z.string(),
});

const schema = z.object({
  format: z.literal(1),
  capacity: count,
  unrollLength: count,
  observationSize: count,
  actionSize: count,
  /** Frames in an observation, where replay holds frames. */
  frameStack: count.optional(),
  /** Strategy and exponent, as text: priorities mean something only to the same. */
  sampling: z.string(),
  position: z.object({
    oldestRow: count,
    nextRow: count,
    oldestBlock: count,
    nextBlock: count,
    size: count,
  }),
  counters: z.object({
    inserted: count,
    refused: z.record(z.enum(REFUSALS), count),
    stalePriorities: count,
    invalidPriorities: count,
  }),
  sampler: z.object({ maxWeight: z.number().positive(), updatesSinceReset: count }),
  /** Oldest first, without gaps; the first may begin with blocks that replay has forgotten. */
  unrolls: z.array(file.extend({ firstBlock: count, endBlock: count })),
  /** Float64 weights of the transitions held, oldest first; null if all are alike. */
  weights: file.nullable(),
});

/** What a checkpoint stores of replay besides the segment files; plain JSON. */
export type ReplayState = z.infer<typeof schema>;

/** A segment of unrolls, and the numbers of the blocks in it. */
export type UnrollSegment = ReplayState["unrolls"][number];

/** @throws RunError CHECKPOINT_CORRUPT naming every field that is wrong. */
export function parseReplayState(raw: unknown): ReplayState {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  throw new RunError("CHECKPOINT_CORRUPT", `replay state: ${z.prettifyError(result.error)}`);
}
