import type { z } from "zod";
import { fields, isKnown, keysOf } from "./keys.ts";
import { nearest } from "./nearest.ts";

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
  return [{ path, sentence: `${subject} ${wrongValue(issue, dotted, given)}` }];
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

function wrongValue(issue: Issue, path: string, given: unknown): string {
  switch (issue.code) {
    case "custom":
      return issue.message;
    case "invalid_value": {
      const choices = issue.values.map(String);
      const guess = typeof given === "string" ? nearest(given, choices) : undefined;
      const hint = guess === undefined ? "" : ` (did you mean ${guess}?)`;
      return `must be ${choices.join(" or ")}, not ${show(given)}${hint}`;
    }
    case "too_small":
      return `must be ${bound(issue, "least")}, not ${show(given)}`;
    case "too_big":
      return `must be ${bound(issue, "most")}, not ${show(given)}`;
    case "invalid_type":
      return `must be ${typeName(issue.expected, path)}, not ${show(given)}`;
    default:
      return `${issue.message}, not ${show(given)}`;
  }
}

function bound(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  side: "least" | "most",
): string {
  const limit = issue.code === "too_small" ? issue.minimum : issue.maximum;
  // The schema's own messages are whole sentences; the library's begin with "Too".
  if (!issue.message.startsWith("Too")) return issue.message.replace(/^must be /, "");
  const noun = limit === 1 ? "entry" : "entries";
  if (issue.origin === "array") return `a list of at ${side} ${limit} ${noun}`;
  const unit = issue.origin === "string" ? " characters" : "";
  if (issue.inclusive === false) return `${side === "least" ? "above" : "below"} ${limit}${unit}`;
  return `at ${side} ${limit}${unit}`;
}

function typeName(expected: string, path: string): string {
  if (expected === "array") return "a list in brackets, separated by commas";
  if (expected !== "object") return withArticle(expected === "int" ? "whole number" : expected);
  const known = keysOf(path);
  return known.length === 0 ? "a mapping" : `a section with the keys ${known.join(", ")}`;
}

function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function show(value: unknown): string {
  if (value === undefined) return "missing";
  // JSON has no NaN.
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Readonly<Record<string, unknown>>)[key]
        : undefined,
    root,
  );
}
