import { z } from "zod";
import type { RandomState } from "../math/random.ts";

/** A stream's state as snapshots hold it. */
export const randomStateSchema: z.ZodType<RandomState> = z.strictObject({
  generator: z.array(z.int()).readonly(),
  spareNormal: z.number().nullable(),
});
