import type { Command } from "@commander-js/extra-typings";
import { type FlagSetting, type LoadedConfig, loadConfig, parseSetFlag } from "../config/load.ts";

/**
 * Adds the flags of every command that takes a configuration.
 * @param actors What `--actors` counts.
 */
export function withConfigFlags(command: Command, actors = "actor threads: auto or a number") {
  return command
    .option("-c, --config <file>", "YAML configuration file")
    .option("--set <path=value>", "set any field of the configuration; repeatable", collect)
    .option("--algo <name>", "algorithm")
    .option(
      "--preset <name>",
      "algorithm with settings that go together; others may be set over it",
    )
    .option("-s, --seed <n>", "root of every random stream")
    .option("-n, --total-steps <n>", "environment steps to train for, such as 1e6")
    .option("--actors <n>", actors)
    .option("--name <name>", "name of the run folder")
    .option("--run-dir <dir>", "folder that holds the run folders");
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export type ConfigFlags = ReturnType<ReturnType<typeof withConfigFlags>["opts"]>;

/** The field behind each short flag. Values are checked with the rest of the configuration. */
const FLAG_FIELDS = {
  algo: ["--algo", "algorithm.name"],
  preset: ["--preset", "preset"],
  seed: ["--seed", "seed"],
  totalSteps: ["--total-steps", "totalSteps"],
  actors: ["--actors", "actors.count"],
  name: ["--name", "run.name"],
  runDir: ["--run-dir", "run.dir"],
} as const satisfies Partial<Record<keyof ConfigFlags, readonly [string, string]>>;

/**
 * The configuration that a command line asks for.
 * @param env The positional argument, an id or a file.
 * @throws RunError CONFIG_INVALID
 */
export async function loadFromFlags(
  env: string | undefined,
  flags: ConfigFlags,
  { file, settings = [] }: FlagContext = {},
): Promise<LoadedConfig> {
  return await loadConfig({
    file: flags.config ?? file,
    environment: process.env,
    flags: [...flagSettings(env, flags), ...settings],
  });
}

export interface FlagContext {
  /** Used when the user names no other: of the run that is resumed. */
  readonly file?: string | undefined;
  /** What a command's own flags set. */
  readonly settings?: readonly FlagSetting[];
}

function flagSettings(env: string | undefined, flags: ConfigFlags): readonly FlagSetting[] {
  const settings = (flags.set ?? []).map(parseSetFlag);
  // The short flags come after --set, as the environment's positional argument does.
  for (const [key, [flag, path]] of Object.entries(FLAG_FIELDS)) {
    const text = flags[key as keyof typeof FLAG_FIELDS];
    if (text !== undefined) settings.push({ flag: `${flag} ${text}`, path, text });
  }
  if (env !== undefined) settings.push({ flag: `argument ${env}`, path: "env.id", text: env });
  return settings;
}
