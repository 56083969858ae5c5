import { closest } from "fastest-levenshtein";
import { RunError } from "../errors.ts";
import { dmControlEntries } from "./dm-control/tasks.ts";
import type { EnvEntry, EnvInfo } from "./entry.ts";
import type { Env } from "./env.ts";
import { isEnvFile, loadEnvFile } from "./env-file.ts";
import { externalEnv, isExternal } from "./external.ts";
import { gymnasiumEntries } from "./gymnasium/tasks.ts";
import { pointMassEntry } from "./point-mass.ts";
import { splitWrappers, wrap } from "./wrappers/wrap.ts";

const entries: ReadonlyMap<string, EnvEntry> = new Map(
  [...gymnasiumEntries, ...dmControlEntries, pointMassEntry].map((entry) => [entry.info.id, entry]),
);

/** Every registered environment, in the order of their groups. */
export function listEnvs(): EnvInfo[] {
  return [...entries.values()].map(({ info }) => info);
}

/** @throws RunError ENV_UNKNOWN naming the nearest id. */
export function describeEnv(id: string): EnvInfo {
  return entryOf(id).info;
}

/**
 * The MJCF of a registered MuJoCo task under default options; undefined for other environments.
 * @throws RunError ENV_UNKNOWN naming the nearest id.
 */
export function modelOf(id: string): string | undefined {
  return entryOf(id).mjcf;
}

/**
 * Makes an instance of a registered environment; the caller closes it. `describeEnv(id).options` lists
 * what `options` may hold, besides `wrappers` (src/envs/wrappers/wrap.ts) and `pixels`.
 *
 * @throws RunError ENV_UNKNOWN naming the nearest id, CONFIG_INVALID for a bad option.
 */
export async function makeEnv(
  id: string,
  options?: Readonly<Record<string, unknown>>,
): Promise<Env> {
  const entry = entryOf(id);
  const { options: own, wrappers } = splitWrappers(options);
  return wrap(await entry.make(own), wrappers);
}

/**
 * What an id or a file stands for.
 * @throws RunError ENV_UNKNOWN naming the nearest id, CONFIG_INVALID for a file that defines none.
 */
export async function findEnv(idOrFile: string): Promise<EnvEntry> {
  return isEnvFile(idOrFile) ? await loadEnvFile(idOrFile) : entryOf(idOrFile);
}

/**
 * Makes an environment named as on the command line: the id of a registered one, `external/NAME` for one that
 * only actors elsewhere have, or the path of a file that defines one, recognised by its extension.
 *
 * @throws RunError as `makeEnv` and `loadEnvFile` do.
 */
export async function openEnv(
  idOrFile: string,
  options?: Readonly<Record<string, unknown>>,
): Promise<Env> {
  if (isExternal(idOrFile)) return externalEnv(idOrFile, options);
  const { make } = await findEnv(idOrFile);
  const { options: own, wrappers } = splitWrappers(options);
  return wrap(await make(own), wrappers);
}

function entryOf(id: string): EnvEntry {
  const entry = entries.get(id);
  if (entry) return entry;
  const nearest = closest(id, [...entries.keys()]);
  throw new RunError("ENV_UNKNOWN", `there is no environment "${id}"; did you mean "${nearest}"?`);
}
