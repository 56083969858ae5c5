import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parse,
  parseDocument,
  type YAMLMap,
} from "yaml";
import { type ConfigIssue, unknownPath } from "./issues.ts";
import { findField, groups, keysOf } from "./keys.ts";

/** Who said so. */
export type Source =
  | { readonly kind: "default" }
  | { readonly kind: "preset"; readonly name: string }
  | { readonly kind: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "flag"; readonly flag: string };

/** One value for one field, or for a key inside a free-form one. */
export interface Assignment {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly source: Source;
}

/** A problem found before the schema is asked, with the place it was found at. */
export interface LocatedIssue extends ConfigIssue {
  readonly source: Source;
}

export interface Assignments {
  readonly assignments: readonly Assignment[];
  readonly issues: readonly LocatedIssue[];
}

/** `run.yaml:4:3`, `TROUPE_SEED`, `--seed`; `preset ppo` for what comes with an algorithm. */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case "default":
      return "default";
    case "preset":
      return `preset ${source.name}`;
    case "file":
      return `${source.file}:${source.line}:${source.column}`;
    case "environment":
      return source.name;
    case "flag":
      return source.flag;
  }
}

/** Collects what one source sets; a section is taken apart into its fields. */
export class AssignmentList implements Assignments {
  readonly assignments: Assignment[] = [];
  readonly issues: LocatedIssue[] = [];

  /** Adds the value at a path that may name a section, a field, or a key of a free-form field. */
  add(path: readonly string[], value: unknown, source: Source): void {
    if (!isKnown(path)) {
      this.issues.push({ ...unknownPath(path), source });
    } else if (!isGroup(path) || !isMapping(value)) {
      // An empty section, all of whose lines are comments, reads as null and sets nothing.
      if (isGroup(path) && value === null) return;
      this.assignments.push({ path, value, source });
    } else {
      for (const [key, child] of Object.entries(value)) this.add([...path, key], child, source);
    }
  }
}

/** What a YAML text sets, each value with its line and column. */
export function yamlAssignments(text: string, file: string): Assignments {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const list = new AssignmentList();
  const sourceAt = (offset: number): Source => {
    const { line, col } = lines.linePos(offset);
    return { kind: "file", file, line, column: col };
  };
  for (const error of document.errors) {
    list.issues.push({ path: [], sentence: error.message, source: sourceAt(error.pos[0]) });
  }
  const root = document.contents;
  if (list.issues.length > 0 || root === null || (isScalar(root) && root.value === null))
    return list;
  if (!isMap(root)) {
    const sentence = `a configuration is a mapping with the keys ${keysOf("").join(", ")}`;
    list.issues.push({ path: [], sentence, source: sourceAt(startOf(root)) });
    return list;
  }
  walk({ document, list, sourceAt }, [], root);
  return list;
}

interface Walk {
  readonly document: Document;
  readonly list: AssignmentList;
  readonly sourceAt: (offset: number) => Source;
}

function walk(context: Walk, path: readonly string[], map: YAMLMap): void {
  for (const { key, value } of map.items) {
    const childPath = [...path, isScalar(key) ? String(key.value) : String(key)];
    const section = isAlias(value) ? value.resolve(context.document) : value;
    if (isGroup(childPath) && isMap(section)) {
      walk(context, childPath, section);
    } else {
      const plain: unknown = isNode(value) ? value.toJS(context.document) : value;
      context.list.add(childPath, plain, context.sourceAt(startOf(key)));
    }
  }
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/**
 * A value as it stands on a command line or in an environment variable, read as YAML: 3e-4 is a
 * number, [256, 256] a list. A field of text takes what looks like something else, such as the run name
 * 2026, as it stands.
 */
export function parseValue(text: string, path: string): unknown {
  const value = parseYaml(text);
  const isText = typeof value === "string" || findField(path)?.accepts === "string";
  return isText && typeof value !== "string" ? text : value;
}

function parseYaml(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    // `@x`, `a: b: c` and the like mean themselves.
    return text;
  }
}

function isGroup(path: readonly string[]): boolean {
  const dotted = path.join(".");
  return groups.some((group) => group.path === dotted);
}

function isKnown(path: readonly string[]): boolean {
  if (isGroup(path)) return true;
  return path.some((_, i) => {
    const field = findField(path.slice(0, i + 1).join("."));
    return field !== undefined && (field.open || i === path.length - 1);
  });
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
