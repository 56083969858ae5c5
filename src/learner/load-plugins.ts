import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type CriticName, isCriticName } from "../algorithms/critics/registry.ts";
import type { MakeCritic, Plugin, PolicyFamily } from "../algorithms/plugin.ts";
import { isBuiltInPolicy } from "../config/algorithm-parts.ts";
import { didYouMean } from "../config/nearest.ts";
import type { Config } from "../config/schema.ts";
import { describeThrown } from "../envs/own/code-place.ts";
import { installModuleHooks } from "../envs/own/install-hooks.ts";
import { RunError } from "../errors.ts";

/** What all of a run's plugins add together. */
export interface Plugins {
  readonly critics: ReadonlyMap<string, MakeCritic>;
  readonly policies: ReadonlyMap<string, PolicyFamily>;
}

export const noPlugins: Plugins = { critics: new Map(), policies: new Map() };

/**
 * What the files of `plugins.files` export as `critics` and `policies`. Only a thread that makes algorithms
 * needs it: actors and evaluations run compiled programs.
 *
 * @throws RunError CONFIG_INVALID when a file cannot be imported, adds nothing, or a name is taken.
 */
export async function loadPlugins({ plugins }: Pick<Config, "plugins">): Promise<Plugins> {
  const added = {
    critics: new Added<MakeCritic>("critic", isCriticName),
    policies: new Added<PolicyFamily>("policy", isBuiltInPolicy),
  };
  for (const file of plugins.files) {
    const { critics = {}, policies = {} } = await importPlugin(file);
    if (Object.keys(critics).length + Object.keys(policies).length === 0) {
      fail(file, "it has to export critics or policies, each a record of functions by name");
    }
    added.critics.take(file, critics);
    added.policies.take(file, policies);
  }
  return { critics: added.critics.all, policies: added.policies.all };
}

/** What files add of one kind, each name once. */
class Added<T> {
  readonly all = new Map<string, T>();
  readonly #kind: string;
  readonly #isOurs: (name: string) => boolean;

  constructor(kind: string, isOurs: (name: string) => boolean) {
    this.#kind = kind;
    this.#isOurs = isOurs;
  }

  take(file: string, entries: Readonly<Record<string, T>>): void {
    for (const [name, entry] of Object.entries(entries)) {
      if (this.#isOurs(name) || this.all.has(name)) {
        fail(file, `there is a ${this.#kind} ${name} already; give yours another name`);
      }
      this.all.set(name, entry);
    }
  }
}

/** @throws RunError CONFIG_INVALID when nobody has added the critic that the configuration names. */
export function chosenCritic(
  { algorithm }: Pick<Config, "algorithm">,
  { critics }: Plugins,
): CriticName | MakeCritic {
  const { critic } = algorithm;
  return isCriticName(critic) ? critic : find("algorithm.critic", critic, critics);
}

/**
 * The policy family that the configuration names; undefined: one of ours.
 * @throws RunError CONFIG_INVALID when nobody has added it, or not for this algorithm.
 */
export function chosenPolicy(
  { algorithm }: Pick<Config, "algorithm">,
  { policies }: Plugins,
): PolicyFamily | undefined {
  const { name, policy } = algorithm;
  if (isBuiltInPolicy(policy)) return undefined;
  const family = find("algorithm.policy", policy, policies);
  if (typeof (name === "ppo" ? family.ppo : family.sac) === "function") return family;
  throw new RunError("CONFIG_INVALID", `algorithm.policy ${policy} is not made for ${name}`);
}

function find<T>(field: string, name: string, added: ReadonlyMap<string, T>): T {
  const found = added.get(name);
  if (found) return found;
  const names = [...added.keys()];
  throw new RunError(
    "CONFIG_INVALID",
    `${field} is ${name}, which no file of plugins.files adds${didYouMean(name, names)}; they add: ${names.join(", ") || "none"}`,
  );
}

async function importPlugin(path: string): Promise<Plugin> {
  installModuleHooks();
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Plugin;
  } catch (thrown) {
    return fail(path, describeThrown(thrown), thrown);
  }
}

function fail(path: string, what: string, cause?: unknown): never {
  throw new RunError("CONFIG_INVALID", `plugin ${path}: ${what}`, { cause });
}
