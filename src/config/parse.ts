import { RunError } from "../errors.ts";
import { explainIssue } from "./issues.ts";
import { withPreset } from "./presets.ts";
import { type Config, configSchema } from "./schema.ts";

/**
 * A complete configuration from any part of one.
 * @throws RunError CONFIG_INVALID with one line for every bad field.
 */
export function parseConfig(input: unknown): Config {
  const result = configSchema.safeParse(withPreset(input));
  if (result.success) return result.data;
  const issues = result.error.issues.flatMap((issue) => explainIssue(issue, input));
  throw new RunError("CONFIG_INVALID", issues.map(({ sentence }) => sentence).join("\n"));
}
