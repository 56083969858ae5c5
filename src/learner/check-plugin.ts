import type { MakeCritic, PolicyFamily } from "../algorithms/plugin.ts";
import { describeThrown, placeInUserCode } from "../envs/own/code-place.ts";
import { RunError } from "../errors.ts";

/** Says what is wrong with a plugin. @throws RunError CONFIG_INVALID */
export function refusePlugin(file: string, what: string, cause?: unknown): never {
  throw new RunError("CONFIG_INVALID", `plugin ${file}: ${what}`, { cause });
}

/** What is made must have, by name: a function, a whole number, a list. */
type Members = Readonly<Record<string, "function" | "number" | "list">>;

const HEAD: Members = {
  outputs: "number",
  value: "function",
  toward: "function",
  backUp: "function",
};

const POLICIES = {
  sac: {
    parameters: "list",
    noiseSize: "number",
    lossNoiseSize: "number",
    sample: "function",
    mode: "function",
    improve: "function",
    units: "function",
  },
  ppo: { parameters: "list", distribution: "function" },
} as const satisfies Readonly<Record<string, Members>>;

const isOf: Readonly<Record<Members[string], (value: unknown) => boolean>> = {
  function: (value) => typeof value === "function",
  number: (value) => Number.isInteger(value) && Number(value) >= 1,
  list: Array.isArray,
};

const NAMES: Readonly<Record<Members[string], string>> = {
  function: "a function",
  number: "a whole number of at least 1",
  list: "a list",
};

/** A critic of a file, whose heads are looked at before they are used. @throws RunError CONFIG_INVALID */
export function checkedCritic(file: string, name: string, make: unknown): MakeCritic {
  const place = `critics.${name}`;
  if (typeof make !== "function") {
    refusePlugin(file, `${place} must be a function that makes a CriticHead, not ${kindOf(make)}`);
  }
  return checkedFactory({ file, place }, make as MakeCritic, HEAD);
}

/** A policy of a file, likewise. @throws RunError CONFIG_INVALID */
export function checkedPolicy(file: string, name: string, family: unknown): PolicyFamily {
  const place = `policies.${name}`;
  const { sac, ppo } = isRecord(family) ? family : {};
  for (const make of [sac, ppo]) {
    if (make !== undefined && typeof make !== "function") {
      refusePlugin(file, `${place} must have functions for sac and ppo, not ${kindOf(make)}`);
    }
  }
  if (!sac && !ppo) {
    refusePlugin(file, `${place} must be an object with a function for sac, ppo or both`);
  }
  const { sac: makeSac, ppo: makePpo } = family as PolicyFamily;
  return {
    ...(makeSac ? { sac: checkedFactory({ file, place }, makeSac, POLICIES.sac) } : {}),
    ...(makePpo ? { ppo: checkedFactory({ file, place }, makePpo, POLICIES.ppo) } : {}),
  };
}

function checkedFactory<Arguments extends readonly unknown[], Made>(
  { file, place }: { readonly file: string; readonly place: string },
  make: (...given: Arguments) => Made,
  members: Members,
): (...given: Arguments) => Made {
  return (...given) => {
    const made = make(...given);
    if (!isRecord(made)) refusePlugin(file, `${place} made ${kindOf(made)}, not an object`);
    for (const [member, kind] of Object.entries(members)) {
      if (isOf[kind](made[member])) continue;
      const found = kindOf(made[member]);
      refusePlugin(file, `what ${place} made must have ${member}, ${NAMES[kind]}, not ${found}`);
    }
    return made;
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== "object") return String(value).split("\n")[0] ?? "";
  return value instanceof Promise ? "a promise" : "an object";
}

/**
 * Runs what calls code of a run's plugins while a learner is put together: what is thrown there is
 * said to be theirs.
 *
 * @throws RunError CONFIG_INVALID with the file, line and column; whatever else `make` throws as it is.
 */
export async function blamePlugins<T>(
  files: readonly string[],
  make: () => T | Promise<T>,
): Promise<T> {
  try {
    return await make();
  } catch (thrown) {
    const isForeseen = thrown instanceof RunError && thrown.code !== "COMPILE_UNSUPPORTED";
    if (isForeseen || files.length === 0 || placeInUserCode(thrown) === undefined) throw thrown;
    const what = `${describeThrown(thrown)}, from plugins.files (${files.join(", ")})`;
    throw new RunError("CONFIG_INVALID", what, { cause: thrown });
  }
}
