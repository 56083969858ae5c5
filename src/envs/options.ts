import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { RunError } from "../errors.ts";

/** One constructor option of an environment, for display. */
export interface OptionInfo {
  readonly name: string;
  /** undefined: none is used unless given. */
  readonly default: unknown;
  readonly description: string;
}

/** A finite weight, scale or factor. */
export const weight = (value: number, description: string) =>
  z.number().default(value).describe(description);

const bound = z.union([z.number(), z.literal(Number.POSITIVE_INFINITY), z.literal(-Infinity)]);

/** An interval; a bound may be infinite. */
export const interval = (low: number, high: number, description: string) =>
  z
    .tuple([bound, bound])
    .refine(([from, to]) => from <= to, "the lower bound comes first")
    .default([low, high])
    .describe(description);

/**
 * Checks the options given to environment `id` and fills in defaults.
 * @throws RunError CONFIG_INVALID naming each bad option, an unknown one with its nearest neighbour.
 */
export function parseOptions<Schema extends z.ZodObject>(
  id: string,
  schema: Schema,
  options: unknown,
): z.output<Schema> {
  const result = schema.safeParse(options ?? {});
  if (result.success) return result.data;
  const names = Object.keys(schema.shape);
  const sentences = result.error.issues.map((issue) => {
    if (issue.code !== "unrecognized_keys") return `${issue.path.join(".")}: ${issue.message}`;
    return issue.keys
      .map((key) => `there is no option "${key}"; did you mean "${closest(key, names)}"?`)
      .join("; ");
  });
  throw new RunError("CONFIG_INVALID", `${id}: ${sentences.join("; ")}`);
}

/** The options of a schema with their defaults. */
export function describeOptions(schema: z.ZodObject): OptionInfo[] {
  const defaults = schema.parse({});
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    default: defaults[name],
    description: field.description ?? "",
  }));
}
