import { describeSource } from "./assignments.ts";
import { fields } from "./keys.ts";
import type { LoadedConfig } from "./load.ts";
import type { Config } from "./schema.ts";

/** Sections that only some runs heed, and what makes a run one of them. */
const SECTIONS: Readonly<Record<string, (config: Config) => string | undefined>> = {
  ppo: ({ algorithm: { name } }) => unless(name === "ppo", `algorithm.name is ${name}`, "ppo"),
  drqv2: ({ algorithm: { name } }) =>
    unless(name === "drqv2", `algorithm.name is ${name}`, "drqv2"),
  pmoe: ({ algorithm: { policy } }) =>
    unless(policy === "pmoe", `algorithm.policy is ${policy}`, "pmoe"),
  drm: ({ drm: { enabled } }) => unless(enabled, "drm.enabled is false", "true"),
};

function unless(isHeeded: boolean, reason: string, value: string): string | undefined {
  const [field] = reason.split(" ");
  return isHeeded ? undefined : `${reason}; set ${field}=${value}, or leave it out`;
}

/**
 * A sentence for each field that somebody set by hand, in a flag or a variable, to no effect. A file may
 * well have the sections of several algorithms.
 */
export function unheeded({ config, source }: LoadedConfig): readonly string[] {
  return fields.flatMap(({ path }) => {
    const [section = ""] = path.split(".");
    const by = source(path);
    if (by.kind !== "flag" && by.kind !== "environment") return [];
    if (path === "drm.enabled") return [];
    const reason = SECTIONS[section]?.(config);
    return reason === undefined
      ? []
      : [`${describeSource(by)}: ${path} has no effect, as ${reason}`];
  });
}
