import { z } from "zod";

/** The options every MuJoCo task understands beside its own, with that task's defaults. */
export const commonOptions = (defaults: { frameSkip: number; maxEpisodeSteps: number }) => ({
  xml_file: z
    .string()
    .min(1)
    .optional()
    .describe("path of another MJCF model; what it names is found beside it"),
  frame_skip: z.int().positive().default(defaults.frameSkip).describe("timesteps per step"),
  max_episode_steps: z
    .int()
    .positive()
    .nullable()
    .default(defaults.maxEpisodeSteps)
    .describe("steps after which an episode is truncated; null: never"),
});

/** The least a MuJoCo task's schema holds. */
export type CommonSchema = z.ZodObject<ReturnType<typeof commonOptions>>;
export type CommonOptions = z.output<CommonSchema>;
