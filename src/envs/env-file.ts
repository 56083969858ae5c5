import { basename, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { RunError } from "../errors.ts";
import { checkEnv } from "./check-env.ts";
import type { EnvEntry } from "./entry.ts";
import type { EnvFactory } from "./env.ts";
import { describeThrown } from "./own/code-place.ts";
import { installModuleHooks } from "./own/install-hooks.ts";
import { ownEntry } from "./own/own-task.ts";
import type { TaskDefinition } from "./own/task-definition.ts";

/** Looked at in this order. */
const EXPORTS = ["default", "env", "makeEnv", "task"] as const;

/** Whether an environment is named by its file rather than by an id: recognised by the extension. */
export function isEnvFile(idOrFile: string): boolean {
  return /\.[cm]?[jt]s$/.test(idOrFile);
}

/**
 * The environment a user's file defines, JavaScript or TypeScript: its export `default`, `env`, `makeEnv` or `task`,
 * either an `EnvFactory`, or a task in its short form. What a factory makes is checked to be an `Env`.
 *
 * @throws RunError CONFIG_INVALID when the file cannot be imported or exports neither.
 */
export async function loadEnvFile(path: string): Promise<EnvEntry> {
  const file = resolve(path);
  const exports = await importFile(path, file);
  const found = EXPORTS.map((name) => exports[name]).find((value) => value !== undefined);
  if (typeof found === "function") return factoryEntry(path, file, found as EnvFactory);
  if (typeof found === "object" && found !== null) return ownEntry(found as TaskDefinition, file);
  fail(path, 'it has to export a task, or a function named "env" or "makeEnv"');
}

function factoryEntry(path: string, file: string, factory: EnvFactory): EnvEntry {
  return {
    info: {
      id: basename(file, extname(file)),
      group: "own",
      dt: null,
      maxEpisodeSteps: null,
      rewardThreshold: null,
      rewardTerms: "as defined in the file",
      source: file,
      options: [],
    },
    make: async (options) => checkEnv(path, await factory(options)),
  };
}

async function importFile(path: string, file: string): Promise<Record<string, unknown>> {
  installModuleHooks();
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (thrown) {
    return fail(path, describeThrown(thrown), thrown);
  }
}

function fail(path: string, what: string, cause?: unknown): never {
  throw new RunError("CONFIG_INVALID", `environment file ${path}: ${what}`, { cause });
}
