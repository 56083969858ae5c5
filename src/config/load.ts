import { readFile } from "node:fs/promises";
import { RunError } from "../errors.ts";
import {
  type Assignment,
  AssignmentList,
  type Assignments,
  describeSource,
  type LocatedIssue,
  parseValue,
  type Source,
  yamlAssignments,
} from "./assignments.ts";
import { environmentAssignments } from "./environment.ts";
import { explainIssue } from "./issues.ts";
import { presetAssignments } from "./presets.ts";
import { type Config, configSchema } from "./schema.ts";

/** A flag of the command line that sets a field, its value still as text. */
export interface FlagSetting {
  /** As the user wrote it, for messages: `--seed`, `--set seed=2`. */
  readonly flag: string;
  readonly path: string;
  readonly text: string;
}

export interface ConfigSources {
  /** A YAML file. */
  readonly file?: string | undefined;
  /** Usually `process.env`. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Later ones win. */
  readonly flags?: readonly FlagSetting[];
}

export interface LoadedConfig {
  readonly config: Config;
  /** Who set the field at a dotted path. */
  source(path: string): Source;
}

/**
 * Puts a configuration together: flags over environment over file over defaults.
 * @throws RunError CONFIG_INVALID with one line for every problem, each beginning with its place.
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const file = sources.file === undefined ? [] : [await fileAssignments(sources.file)];
  return combine([
    ...file,
    environmentAssignments(sources.environment ?? {}),
    flagAssignments(sources.flags ?? []),
  ]);
}

/** Splits the argument of `--set`. @throws RunError CONFIG_INVALID unless it is `path=value`. */
export function parseSetFlag(argument: string): FlagSetting {
  const equals = argument.indexOf("=");
  if (equals < 1) {
    throw new RunError(
      "CONFIG_INVALID",
      `--set ${argument}: write path=value, as in --set algorithm.batchSize=512`,
    );
  }
  return {
    flag: `--set ${argument}`,
    path: argument.slice(0, equals).trim(),
    text: argument.slice(equals + 1),
  };
}

async function fileAssignments(file: string): Promise<Assignments> {
  try {
    return yamlAssignments(await readFile(file, "utf8"), file);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : RunError.from(thrown).message;
    throw new RunError("CONFIG_INVALID", `cannot read the configuration file ${file}: ${reason}`, {
      cause: thrown,
    });
  }
}

function flagAssignments(flags: readonly FlagSetting[]): Assignments {
  const list = new AssignmentList();
  for (const { flag, path, text } of flags) {
    list.add(path.split("."), parseValue(text, path), { kind: "flag", flag });
  }
  return list;
}

function combine(layers: readonly Assignments[]): LoadedConfig {
  const early = layers.flatMap((layer) => layer.issues);
  const given = layers.flatMap((layer) => layer.assignments);
  const assignments = [...presetAssignments(buildTree(given)), ...given];
  const input = buildTree(assignments);
  const source = (path: string): Source => sourceOf(assignments, path.split("."));
  const result = configSchema.safeParse(input);
  const late = result.success
    ? []
    : result.error.issues
        .flatMap((issue) => explainIssue(issue, input))
        .map((issue) => ({ ...issue, source: sourceOf(assignments, issue.path) }));
  if (result.success && early.length === 0) return { config: result.data, source };
  throw new RunError("CONFIG_INVALID", [...early, ...late].map(line).join("\n"));
}

function line({ source, sentence }: LocatedIssue): string {
  return source.kind === "default" || source.kind === "preset"
    ? sentence
    : `${describeSource(source)}: ${sentence}`;
}

type Tree = { [key: string]: unknown };

function buildTree(assignments: readonly Assignment[]): Tree {
  const root: Tree = {};
  for (const { path, value } of assignments) put(root, path, value);
  return root;
}

/** A section that was given as a single value stays one, for the schema to refuse. */
function put(tree: Tree, [key = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const child = Object.hasOwn(tree, key) ? tree[key] : undefined;
  if (child === undefined || (child !== null && typeof child === "object")) {
    // A copy: the child may be a value that another assignment still holds.
    const copy: Tree = { ...child };
    tree[key] = copy;
    put(copy, rest, value);
  }
}

/** The last assignment at, inside or above `path`. */
function sourceOf(assignments: readonly Assignment[], path: readonly string[]): Source {
  const touches = ({ path: other }: Assignment): boolean =>
    other.slice(0, path.length).every((key, i) => key === path[i]);
  return assignments.findLast(touches)?.source ?? { kind: "default" };
}
