import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { RunError } from "../errors.ts";
import { checkEnv } from "./check-env.ts";
import type { EnvFactory } from "./env.ts";

const exportsSchema = z.object({
  env: z.custom<EnvFactory>((value) => typeof value === "function").optional(),
  makeEnv: z.custom<EnvFactory>((value) => typeof value === "function").optional(),
});

/**
 * The environment a user's file defines: its export `env` or `makeEnv`, an `EnvFactory`. What the
 * factory makes is checked to be an `Env`.
 *
 * @throws RunError CONFIG_INVALID when the file cannot be imported or exports no factory.
 */
export async function loadEnvFile(path: string): Promise<EnvFactory> {
  const file = resolve(path);
  if (isTypeScript(file) && !canImportTypeScript()) {
    fail(path, `Node ${process.versions.node} cannot import TypeScript; compile it to .js first`);
  }
  const { env, makeEnv } = exportsSchema.parse(await importFile(path, file));
  const factory = env ?? makeEnv;
  if (!factory) fail(path, 'it has to export a function named "env" or "makeEnv"');
  return async (options) => checkEnv(path, await factory(options));
}

async function importFile(path: string, file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (thrown) {
    return fail(path, RunError.from(thrown).message, thrown);
  }
}

function isTypeScript(file: string): boolean {
  return [".ts", ".mts", ".cts"].includes(extname(file));
}

function canImportTypeScript(): boolean {
  return "typescript" in process.features && Boolean(process.features.typescript);
}

function fail(path: string, what: string, cause?: unknown): never {
  throw new RunError("CONFIG_INVALID", `environment file ${path}: ${what}`, { cause });
}
