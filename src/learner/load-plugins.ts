import { existsSync } from "node:fs";
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
import { checkedCritic, checkedPolicy, refusePlugin } from "./check-plugin.ts";

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
    critics: new Added("critic", isCriticName, checkedCritic),
    policies: new Added("policy", isBuiltInPolicy, checkedPolicy),
  };
  for (const file of plugins.files) {
    const { critics, policies } = await importPlugin(file);
    const [ofCritics, ofPolicies] = [entriesOf(critics), entriesOf(policies)];
    if (ofCritics.length + ofPolicies.length === 0) {
      refusePlugin(
        file,
        "it has to export critics or policies, each a record of functions by name",
      );
    }
    added.critics.take(file, ofCritics);
    added.policies.take(file, ofPolicies);
  }
  return { critics: added.critics.all, policies: added.policies.all };
}

/** What a record of a user's has by name; nothing, where it is none. */
function entriesOf(record: unknown): readonly [string, unknown][] {
  return typeof record === "object" && record !== null ? Object.entries(record) : [];
}

/** What files add of one kind, each name once. */
class Added<T> {
  readonly all = new Map<string, T>();
  readonly #kind: string;
  readonly #isOurs: (name: string) => boolean;

  readonly #check: (file: string, name: string, entry: unknown) => T;

  constructor(
    kind: string,
    isOurs: (name: string) => boolean,
    check: (file: string, name: string, entry: unknown) => T,
  ) {
    this.#kind = kind;
    this.#isOurs = isOurs;
    this.#check = check;
  }

  take(file: string, entries: readonly [string, unknown][]): void {
    for (const [name, entry] of entries) {
      if (this.#isOurs(name) || this.all.has(name)) {
        refusePlugin(file, `there is a ${this.#kind} ${name} already; give yours another name`);
      }
      this.all.set(name, this.#check(file, name, entry));
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
  const others = Object.keys(family).join(" and ");
  throw new RunError(
    "CONFIG_INVALID",
    `algorithm.policy ${policy} is not made for ${name}, but for ${others}; choose another, or set algorithm.name`,
  );
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

/** What a file exports, which may be anything. */
async function importPlugin(path: string): Promise<Readonly<Record<keyof Plugin, unknown>>> {
  installModuleHooks();
  const file = resolve(path);
  if (!existsSync(file)) refusePlugin(path, `there is no such file (${file})`);
  try {
    return await import(pathToFileURL(file).href);
  } catch (thrown) {
    return refusePlugin(path, describeThrown(thrown), thrown);
  }
}
