import { z } from "zod";
import { didYouMean } from "../config/nearest.ts";
import { showValue, valueAt, wrongValue } from "../config/wrong-value.ts";
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

const INTERVAL = "must be two numbers, the lower first, such as [-1, 1] or [0, .inf]";

/** An interval; a bound may be infinite. */
export const interval = (low: number, high: number, description: string) =>
  z
    .custom<[number, number]>((given) => isInterval(given), INTERVAL)
    .default([low, high])
    .describe(description);

function isInterval(given: unknown): boolean {
  if (!Array.isArray(given) || given.length !== 2) return false;
  const [from, to] = given as readonly unknown[];
  return typeof from === "number" && typeof to === "number" && from <= to;
}

/** Gymnasium's arguments that have no place here, because what is drawn is no part of a task. */
const RENDERING: readonly string[] = [
  ...["render_mode", "width", "height", "camera_id", "camera_name", "default_camera_config"],
  ...["max_geom", "visual_options"],
];

/** What every environment understands besides (src/envs/wrappers/wrap.ts). */
export const OPTIONS_EVERYWHERE = ["wrappers", "action_repeat", "pixels"];

/**
 * Checks the options given to environment `id` and fills in defaults.
 * @throws RunError CONFIG_INVALID naming each bad option with its value and what would do, an unknown one with its
 * nearest neighbour.
 */
export function parseOptions<Schema extends z.ZodObject>(
  id: string,
  schema: Schema,
  options: unknown,
): z.output<Schema> {
  const result = schema.safeParse(options ?? {});
  if (result.success) return result.data;
  const names = [...Object.keys(schema.shape), ...OPTIONS_EVERYWHERE];
  const sentences = explainIssues(result.error, options, (key) => unknownOption(key, names));
  throw new RunError("CONFIG_INVALID", `${id}: ${sentences.join("; ")}`);
}

/**
 * A sentence for everything that is wrong with a value: the field, what it is, what it has to be.
 * @param unknown What to say of a key that nobody knows.
 */
export function explainIssues(
  error: z.ZodError,
  given: unknown,
  unknown: (key: string) => string,
): readonly string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") return issue.keys.map(unknown);
    const path = issue.path.map(String);
    const value = valueAt(given, path);
    const wrong = wrongValue(issue, value);
    // What a schema's own check says is what the value must be.
    const but = issue.code === "custom" && isShort(value) ? `, not ${showValue(value)}` : "";
    return [`${path.join(".")} ${wrong}${but}`.trimStart()];
  });
}

function isShort(value: unknown): boolean {
  return value === undefined || showValue(value).length < 60;
}

function unknownOption(key: string, names: readonly string[]): string {
  if (RENDERING.includes(key)) {
    return `there is no option "${key}": pictures and films have flags of their own, --size and --camera`;
  }
  const guess = didYouMean(key, names);
  return `there is no option "${key}"${guess === "" ? `; there are ${names.join(", ")}` : guess}`;
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
