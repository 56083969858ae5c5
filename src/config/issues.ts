import type { z } from "zod";
import { fields, isKnown, keysOf } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { kindOfValue, valueAt, wrongValue } from "./wrong-value.ts";

type Issue = z.core.$ZodIssue;

/** One thing wrong with a configuration, as a sentence that names the field. */
export interface ConfigIssue {
  readonly path: readonly string[];
  readonly sentence: string;
}

/** Turns an issue of the schema into sentences with the value that was given and a way out. */
export function explainIssue(issue: Issue, input: unknown): readonly ConfigIssue[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownPath([...path, key]));
  }
  const dotted = path.join(".");
  const given = valueAt(input, path);
  const subject = dotted === "" ? "the configuration" : dotted;
  const wanted = (expected: string): string => typeName(expected, dotted);
  return [{ path, sentence: `${subject} ${wrongValue(issue, given, wanted)}` }];
}

/** Says which part of `path` is not a key, and what was probably meant. */
export function unknownPath(path: readonly string[]): ConfigIssue {
  const at = path.findIndex((key, i) => !keysOf(path.slice(0, i).join(".")).includes(key));
  return {
    path,
    sentence: `unknown key ${path.join(".")} (${advise(path.slice(0, at), path.slice(at))})`,
  };
}

/** `rest` is what `group` does not hold: a key, and perhaps keys below it. */
function advise(group: readonly string[], rest: readonly string[]): string {
  const here = group.join(".");
  const siblings = keysOf(here);
  if (siblings.length === 0) return `${here} is a single value`;
  // A section or field of the top level, written into another's.
  const atTop = rest.join(".");
  if (isKnown(atTop)) return `did you mean ${atTop}?`;
  const key = rest[0] ?? "";
  const sibling = nearest(key, siblings);
  if (sibling !== undefined) return `did you mean ${[...group, sibling].join(".")}?`;
  const elsewhere = fieldNamedLike(key);
  if (elsewhere !== undefined) return `did you mean ${elsewhere}?`;
  return `${here === "" ? "the top level" : here} holds ${siblings.join(", ")}`;
}

/** A field of another section by the same name, or nearly. */
function fieldNamedLike(key: string): string | undefined {
  const lastName = (path: string) => path.split(".").at(-1) ?? "";
  const name = nearest(key, [...new Set(fields.map(({ path }) => lastName(path)))]);
  return fields.find(({ path }) => lastName(path) === name)?.path;
}

function typeName(expected: string, path: string): string {
  if (expected !== "object") return kindOfValue(expected);
  const known = keysOf(path);
  return known.length === 0 ? "a mapping" : `a section with the keys ${known.join(", ")}`;
}
