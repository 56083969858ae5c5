import { AssignmentList, type Assignments, parseValue } from "./assignments.ts";
import { fields } from "./keys.ts";
import { didYouMean, nearest } from "./nearest.ts";

const PREFIX = "TROUPE_";

/** Fields with a short flag have a short variable, too. */
const ALIASES: Readonly<Record<string, string>> = {
  TROUPE_ENV: "env.id",
  TROUPE_ALGO: "algorithm.name",
  TROUPE_ACTORS: "actors.count",
  TROUPE_NAME: "run.name",
  TROUPE_RUN_DIR: "run.dir",
};

/** Variables that are read elsewhere. */
const OTHERS: readonly string[] = ["TROUPE_LOG_LEVEL", "TROUPE_LOG_FORMAT"];

/** `algorithm.batchSize` is `TROUPE_ALGORITHM__BATCH_SIZE`. */
export function variableName(path: string): string {
  const words = path
    .split(".")
    .map((key) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return PREFIX + words.join("__");
}

/**
 * What the environment sets.
 *
 * A variable that is no field's is an error if it has our double underscore or is nearly a known name.
 * Others are left alone: Kubernetes adds TROUPE_PORT_… and the like for a service called `troupe`.
 */
export function environmentAssignments(environment: NodeJS.ProcessEnv): Assignments {
  const list = new AssignmentList();
  const paths = new Map<string, string>(Object.entries(ALIASES));
  for (const { path } of fields) paths.set(variableName(path), path);
  for (const [name, text] of Object.entries(environment).sort()) {
    if (!name.startsWith(PREFIX) || !text || OTHERS.includes(name)) continue;
    const source = { kind: "environment", name } as const;
    const path = paths.get(name);
    if (path !== undefined) list.add(path.split("."), parseValue(text, path), source);
    else if (isMistake(name, [...paths.keys()])) {
      const sentence = `unknown variable${didYouMean(name, [...paths.keys()])}`;
      list.issues.push({ path: [], sentence, source });
    }
  }
  return list;
}

/** Names are compared without the prefix, which would make all of them look alike. */
function isMistake(name: string, known: readonly string[]): boolean {
  const bare = (variable: string): string => variable.slice(PREFIX.length);
  return name.includes("__") || nearest(bare(name), known.map(bare)) !== undefined;
}
