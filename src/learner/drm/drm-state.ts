import { z } from "zod";

export const drmStateSchema = z.strictObject({
  /** beta as last measured; 1 before. */
  ratio: z.number(),
  /** The dormant ratio below which the agent is awake. */
  target: z.number(),
  /** Measurements so far and their sum, while the target is still to be found; else null. */
  calibration: z.strictObject({ count: z.int(), sum: z.number() }).nullable(),
  /** Environment steps when it woke up. */
  awakenedAt: z.int().nullable(),
  perturbations: z.int(),
});

/** What DrM remembers from update to update. */
export type DrmState = z.infer<typeof drmStateSchema>;
