import { readFileSync } from "node:fs";

/** A type as schema.json writes it; a name that ends in "!" is required. */
type Type =
  | "string"
  | "number"
  | "boolean"
  | "any"
  | "null"
  | { readonly enum: readonly string[] }
  | { readonly list: Type }
  | { readonly map: Type }
  | { readonly any: readonly Type[] }
  | { readonly ref: string }
  | { readonly fields: Readonly<Record<string, Type>> };

interface Schema {
  /** "apps/v1 Deployment" -> name of its type. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly types: Readonly<Record<string, Type>>;
}

/** An object for the API server, as YAML gives it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

const file = new URL("../../fixtures/kubernetes/schema.json", import.meta.url);
const { kinds, types } = JSON.parse(readFileSync(file, "utf8")) as Schema;

/** What is wrong with an object by Kubernetes' own types; unknown fields are, too. */
export function schemaProblems(manifest: Manifest): readonly string[] {
  const kind = `${manifest.apiVersion} ${manifest.kind}`;
  const type = kinds[kind];
  if (type === undefined) return [`${kind} is no kind that is known here`];
  return [...problems(manifest, { ref: type }, `${manifest.kind} ${manifest.metadata.name}`)];
}

function* problems(value: unknown, type: Type, path: string): Generator<string> {
  if (type === "any") return;
  if (typeof type === "string") {
    if (typeof value !== type) yield `${path}: ${JSON.stringify(value)} is no ${type}`;
  } else if ("ref" in type) {
    const target = types[type.ref];
    if (target === undefined) throw new Error(`schema.json lacks ${type.ref}`);
    yield* problems(value, target, path);
  } else if ("enum" in type) {
    if (!type.enum.includes(value as string))
      yield `${path}: ${JSON.stringify(value)} is none of ${type.enum.join(", ")}`;
  } else if ("any" in type) {
    const tries = type.any.map((option) => [...problems(value, option, path)]);
    if (tries.every((found) => found.length > 0)) yield* tries.flat();
  } else if ("list" in type) {
    if (!Array.isArray(value)) yield `${path}: is no list`;
    else for (const [i, item] of value.entries()) yield* problems(item, type.list, `${path}[${i}]`);
  } else if (typeof value !== "object" || value === null || Array.isArray(value)) {
    yield `${path}: ${JSON.stringify(value)} is no object`;
  } else if ("map" in type) {
    for (const [key, item] of Object.entries(value))
      yield* problems(item, type.map, `${path}.${key}`);
  } else {
    yield* fieldProblems(value as Readonly<Record<string, unknown>>, type.fields, path);
  }
}

function* fieldProblems(
  object: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Type>>,
  path: string,
): Generator<string> {
  for (const [key, item] of Object.entries(object)) {
    const type = fields[key] ?? fields[`${key}!`];
    if (type === undefined) yield `${path}.${key}: unknown field`;
    else yield* problems(item, type, `${path}.${key}`);
  }
  for (const name of Object.keys(fields).filter((key) => key.endsWith("!"))) {
    if (!(name.slice(0, -1) in object)) yield `${path}.${name.slice(0, -1)}: missing`;
  }
}
