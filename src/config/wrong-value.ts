import type { z } from "zod";
import { nearest } from "./nearest.ts";

type Issue = z.core.$ZodIssue;

/**
 * `must be a whole number, not 2.5`: what is wrong with the value that was given, and what would not be.
 * @param nounOf What to call a type of the schema's, such as "int" or "object".
 */
export function wrongValue(issue: Issue, given: unknown, nounOf = kindOfValue): string {
  switch (issue.code) {
    case "custom":
      return issue.message;
    case "invalid_value": {
      const choices = issue.values.map(String);
      const guess = typeof given === "string" ? nearest(given, choices) : undefined;
      const hint = guess === undefined ? "" : ` (did you mean ${guess}?)`;
      return `must be ${choices.join(" or ")}, not ${showValue(given)}${hint}`;
    }
    case "too_small":
      return `must be ${bound(issue, "least")}, not ${showValue(given)}`;
    case "too_big":
      return `must be ${bound(issue, "most")}, not ${showValue(given)}`;
    case "invalid_type":
      if (issue.message.startsWith("must ")) return `${issue.message}, not ${showValue(given)}`;
      return `must be ${nounOf(issue.expected)}, not ${showValue(given)}`;
    default:
      return `${issue.message}, not ${showValue(given)}`;
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

/** `a whole number` for "int". */
export function kindOfValue(expected: string): string {
  if (expected === "int") return "a whole number";
  if (expected === "tuple" || expected === "array") {
    return "a list in brackets, separated by commas";
  }
  if (expected === "object" || expected === "record") return "a mapping";
  return withArticle(expected);
}

function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

/** As it is written in a file, more or less. */
export function showValue(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "number") return String(value);
  // JSON has no infinities, and no functions.
  const text = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "number" && !Number.isFinite(part) ? String(part) : part,
  );
  return (
    text?.replace(/"(-?)Infinity"/g, "$1.inf").replaceAll('"NaN"', ".nan") ?? `a ${typeof value}`
  );
}

/** What stands at `path`; undefined: nothing. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Readonly<Record<string, unknown>>)[key]
        : undefined,
    root,
  );
}
