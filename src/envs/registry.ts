import { RunError } from "../errors.ts";
import { dmControlEntries } from "./dm-control/tasks.ts";
import type { EnvEntry, EnvInfo } from "./entry.ts";
import type { Env } from "./env.ts";
import { isEnvFile, loadEnvFile } from "./env-file.ts";
import { externalEntry, isExternal } from "./external.ts";
import { gymnasiumEntries } from "./gymnasium/tasks.ts";
import { pointMassEntry } from "./point-mass.ts";
import { unknownEnv } from "./unknown-env.ts";
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
  return makeWrapped(entryOf(id), options);
}

/**
 * What a name on the command line stands for: the id of a registered environment, `external/NAME` for one that
 * only actors elsewhere have, or the path of a file that defines one, recognised by its extension.
 *
 * @throws RunError ENV_UNKNOWN naming the nearest id, CONFIG_INVALID for a file that defines none.
 */
export async function findEnv(idOrFile: string): Promise<EnvEntry> {
  if (isExternal(idOrFile)) return externalEntry(idOrFile);
  return isEnvFile(idOrFile) ? await loadEnvFile(idOrFile) : entryOf(idOrFile);
}

/**
 * Makes an environment named as on the command line, as `findEnv` understands it.
 * @throws RunError as `findEnv`; CONFIG_INVALID for a bad option.
 */
export async function openEnv(
  idOrFile: string,
  options?: Readonly<Record<string, unknown>>,
): Promise<Env> {
  return makeWrapped(await findEnv(idOrFile), options);
}

async function makeWrapped(
  { info, make, isExternal: isElsewhere }: EnvEntry,
  options: Readonly<Record<string, unknown>> | undefined,
): Promise<Env> {
  const { options: own, wrappers } = splitWrappers(options);
  if (isElsewhere && wrappers.length > 0) {
    throw new RunError(
      "CONFIG_INVALID",
      `${info.id} is stepped elsewhere, where nothing can be put around it from here: leave out ` +
        "wrappers, action_repeat and pixels, and let its actors do the same",
    );
  }
  return wrap(await make(own), wrappers);
}

function entryOf(id: string): EnvEntry {
  const entry = entries.get(id);
  if (entry) return entry;
  throw unknownEnv(id, [...entries.keys()]);
}
