import { z } from "zod";
import type { ResumeRule } from "./fields.ts";
import { configSchema } from "./schema.ts";

/** One field of the configuration, as its schema describes it. */
export interface FieldInfo {
  /** Dotted, e.g. `algorithm.batchSize`. */
  readonly path: string;
  readonly text: string;
  readonly resume: ResumeRule;
  readonly initial: unknown;
  /** What may be written, in words, e.g. `"auto" or integer`. */
  readonly accepts: string;
  /** A free-form mapping, whose own keys are not ours. */
  readonly open: boolean;
}

export interface GroupInfo {
  readonly path: string;
  readonly text: string;
}

/** The part of JSON Schema that `z.toJSONSchema` makes of our schema. */
interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly resume?: ResumeRule;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly pattern?: string;
}

/** JSON Schema of what a user may write, for editors. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: "input" });
  return { $schema, title: "Troupe run", ...rest };
}

const listing = list("", configJsonSchema() as SchemaNode);

/** Every field, in the schema's order. */
export const fields: readonly FieldInfo[] = listing.filter((entry) => "accepts" in entry);

/** Every section, in the schema's order. */
export const groups: readonly GroupInfo[] = listing.filter((entry) => !("accepts" in entry));

export function findField(path: string): FieldInfo | undefined {
  return fields.find((field) => field.path === path);
}

/** Whether `path` is a field or a section. */
export function isKnown(path: string): boolean {
  return listing.some((entry) => entry.path === path);
}

/** The keys that section `path` may hold; `""` is the root. */
export function keysOf(path: string): readonly string[] {
  const prefix = path === "" ? "" : `${path}.`;
  const names = listing
    .filter((entry) => entry.path.startsWith(prefix) && entry.path !== path)
    .map((entry) => entry.path.slice(prefix.length).split(".")[0] ?? "");
  return [...new Set(names)];
}

function list(prefix: string, node: SchemaNode): (FieldInfo | GroupInfo)[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const text = child.description ?? "";
    if (child.properties) return [{ path, text }, ...list(path, child)];
    const resume = child.resume ?? "fixed";
    const open = child.type === "object";
    return [{ path, text, resume, open, initial: child.default, accepts: accepts(child) }];
  });
}

function accepts(node: SchemaNode): string {
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum) return node.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (node.items) return `list of ${accepts(node.items)}`;
  // A number that may also be written 1_000_000.
  if (node.anyOf?.some(({ pattern }) => pattern?.startsWith("^\\d"))) return "count";
  if (node.anyOf) return node.anyOf.map(accepts).join(" or ");
  if (node.type === "object") return "mapping";
  return node.type ?? "anything";
}
