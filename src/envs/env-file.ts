import { existsSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { RunError } from "../errors.ts";
import { checkEnv } from "./check-env.ts";
import type { EnvEntry } from "./entry.ts";
import type { Env, EnvFactory } from "./env.ts";
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
  if (!existsSync(file)) fail(path, `there is no such file: ${file}`);
  const exports = await importFile(path, file);
  const found = EXPORTS.map((name) => exports[name]).find((value) => value !== undefined);
  if (typeof found === "function") return factoryEntry(path, file, factoryOf(path, found));
  if (isEnvLike(found)) {
    const why = "every actor and evaluation makes its own";
    fail(path, `it exports an environment; export a function that makes one, because ${why}`);
  }
  if (typeof found === "object" && found !== null) return ownEntry(found as TaskDefinition, file);
  const names = Object.keys(exports);
  const instead = names.length === 0 ? "nothing" : names.join(", ");
  fail(
    path,
    `it has to export a task, as default or "task", or a function named "env" or "makeEnv"; it exports ${instead}`,
  );
}

function factoryOf(path: string, found: object): EnvFactory {
  const text = Function.prototype.toString.call(found);
  const [, name = "MyEnv"] = /^class\s+(\w+)?/.exec(text) ?? [];
  if (!text.startsWith("class")) return found as EnvFactory;
  const fix = `export default (options) => new ${name}(options)`;
  return fail(path, `it exports a class; export a function that makes one: ${fix}`);
}

function isEnvLike(value: unknown): boolean {
  return typeof value === "object" && value !== null && "step" in value;
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
    make: async (options) => checkEnv(path, await callFactory(path, factory, options)),
  };
}

/** @throws RunError that says where in the user's code, unless it is one already. */
async function callFactory(
  path: string,
  factory: EnvFactory,
  options: Parameters<EnvFactory>[0],
): Promise<Env> {
  try {
    return await factory(options);
  } catch (thrown) {
    if (thrown instanceof RunError) throw thrown;
    const message = `${path}: making the environment threw: ${describeThrown(thrown)}`;
    throw new RunError("ENV_FAILED", message, { cause: thrown });
  }
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
