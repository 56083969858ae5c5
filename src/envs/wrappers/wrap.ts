import { z } from "zod";
import { didYouMean } from "../../config/nearest.ts";
import { RunError } from "../../errors.ts";
import type { Env } from "../env.ts";
import { explainIssues } from "../options.ts";
import { actionRepeat } from "./action-repeat.ts";
import { actionRescale } from "./action-rescale.ts";
import { episodeStatistics } from "./episode-statistics.ts";
import { frameStack } from "./frame-stack.ts";
import { observationScale } from "./observation-scale.ts";
import { pixelSettings, pixels } from "./pixels.ts";
import { rewardScale } from "./reward-scale.ts";
import { timeLimit } from "./time-limit.ts";

/** Reads a setting, found at `place`, and returns what it puts around an environment. */
type WrapperKind = (setting: unknown, place: string) => (env: Env) => Env;

const kind =
  <Schema extends z.ZodType>(
    schema: Schema,
    wrap: (env: Env, setting: z.output<Schema>) => Env,
  ): WrapperKind =>
  (setting, place) => {
    const { success, data, error } = schema.safeParse(setting);
    if (success) return (env) => wrap(env, data);
    const unknown = (key: string): string => `has no "${key}"`;
    return refuse(place, explainIssues(error, setting, unknown).join("; "));
  };

const count = z.int().positive();
const range = z.tuple([z.number(), z.number()], "must be two numbers, such as [-1, 1]");
const perComponent = z
  .union([z.number(), z.array(z.number())], "must be a number, or a list with one for each")
  .optional();

/** By the name they have in `env.options.wrappers`. */
const kinds: Readonly<Record<string, WrapperKind>> = {
  time_limit: kind(count, timeLimit),
  action_repeat: kind(count, actionRepeat),
  frame_stack: kind(count, frameStack),
  action_rescale: kind(range, actionRescale),
  observation_scale: kind(
    z.strictObject({
      mean: perComponent,
      scale: perComponent,
      clip: z.number().positive().optional(),
    }),
    observationScale,
  ),
  reward_scale: kind(
    z.strictObject({
      scale: z.number().optional(),
      shift: z.number().optional(),
      clip: range.optional(),
    }),
    rewardScale,
  ),
  pixels: kind(pixelSettings, pixels),
  episode_statistics: kind(z.literal(true), episodeStatistics),
};

export const wrapperNames: readonly string[] = Object.keys(kinds);

/** An entry of the list, and where the user has written it. */
interface PlacedWrapper {
  readonly entry: unknown;
  readonly place: string;
}

/**
 * Options of an environment without those of what is put around it. The option `action_repeat` is short for a
 * first wrapper of that name, `pixels` for a last one.
 *
 * @throws RunError CONFIG_INVALID when `wrappers` is no list.
 */
export function splitWrappers(options: Readonly<Record<string, unknown>> = {}): {
  readonly options: Readonly<Record<string, unknown>>;
  readonly wrappers: readonly PlacedWrapper[];
} {
  const { wrappers = [], action_repeat, pixels, ...rest } = options;
  if (!Array.isArray(wrappers)) refuse("wrappers", "is no list, such as [{action_repeat: 2}]");
  const short = (name: string, setting: unknown): PlacedWrapper[] =>
    setting === undefined ? [] : [{ entry: { [name]: setting }, place: "" }];
  const listed = wrappers.map((entry: unknown, i) => ({ entry, place: `wrappers[${i}]` }));
  const all = [...short("action_repeat", action_repeat), ...listed, ...short("pixels", pixels)];
  return { options: rest, wrappers: all };
}

/**
 * Puts wrappers around an environment, the first of the list innermost. Each is an object of one name and its
 * setting: `[{ action_repeat: 2 }, { frame_stack: 3 }]`. Takes ownership of `env`, which is closed when one
 * of them cannot be made.
 *
 * @throws RunError CONFIG_INVALID naming the entry and what is wrong with it.
 */
export function wrap(env: Env, wrappers: readonly PlacedWrapper[]): Env {
  let wrapped = env;
  try {
    for (const { entry, place } of wrappers) wrapped = wrapIn(wrapped, entry, place);
    return wrapped;
  } catch (thrown) {
    wrapped.close();
    const { message } = RunError.from(thrown);
    throw new RunError("CONFIG_INVALID", `${env.id}: ${message}`, { cause: thrown });
  }
}

function wrapIn(env: Env, entry: unknown, place: string): Env {
  const fields: [string, unknown][] =
    typeof entry === "object" && entry !== null ? Object.entries(entry) : [];
  const [field, ...others] = fields;
  if (!field || others.length > 0) {
    refuse(place, "is no object of one name, such as {action_repeat: 2}");
  }
  const [name, setting] = field;
  const read = kinds[name];
  if (!read) {
    const guess = didYouMean(name, wrapperNames) || `; there are ${wrapperNames.join(", ")}`;
    refuse(place, `there is no wrapper "${name}"${guess}`);
  }
  const where = place === "" ? name : `${place}.${name}`;
  const put = read(setting, where);
  try {
    return put(env);
  } catch (thrown) {
    return refuse(where, RunError.from(thrown).message);
  }
}

function refuse(place: string, what: string): never {
  throw new RunError("CONFIG_INVALID", `${place}: ${what}`);
}
