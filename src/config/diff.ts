import { isDeepStrictEqual } from "node:util";
import type { FieldInfo } from "./keys.ts";
import { fields } from "./keys.ts";
import type { Config } from "./schema.ts";

/** A field that differs between two configurations. */
export interface ConfigChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  /** Whether a run may be resumed with this change. */
  readonly safe: boolean;
}

/** What changed, field by field, in the schema's order. */
export function diffConfigs(before: Config, after: Config): readonly ConfigChange[] {
  const deterministic = before.deterministic || after.deterministic;
  return fields.flatMap((field) => {
    const [was, is] = [fieldValue(before, field.path), fieldValue(after, field.path)];
    if (isDeepStrictEqual(was, is)) return [];
    return [{ path: field.path, before: was, after: is, safe: isSafe(field, deterministic) }];
  });
}

/** `algorithm.batchSize: 256 -> 512 (needs a new run)`. */
export function describeChange({ path, before, after, safe }: ConfigChange): string {
  const note = safe ? "" : " (needs a new run)";
  return `${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}${note}`;
}

/** The value at a dotted path. */
function fieldValue(config: Config, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], config);
}

function isSafe({ resume }: FieldInfo, deterministic: boolean): boolean {
  return resume === "free" || (resume === "tunable" && !deterministic);
}
