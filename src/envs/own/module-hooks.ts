import { existsSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "@swc/wasm-typescript";

/**
 * Customisation hooks of Node's module loader, for the files of users: TypeScript on every Node, and
 * `import … from "troupe"` wherever a file lies. Neither is asynchronous, so that they serve `register` and
 * `registerHooks` alike.
 */

/** This very copy: two copies would each load the engine, and not know each other's classes. */
const OURS: Readonly<Record<string, string>> = {
  troupe: new URL("../../index.js", import.meta.url).href,
  "troupe/plugin": new URL("../../plugin.js", import.meta.url).href,
};

interface Resolved {
  readonly url: string;
  readonly shortCircuit?: boolean;
}

interface ResolveContext {
  readonly parentURL?: string;
}

interface Loaded {
  readonly format: string;
  readonly source: string;
  readonly shortCircuit: true;
}

export function resolve<Outcome>(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context: ResolveContext) => Outcome,
): Outcome | Resolved {
  const url = OURS[specifier];
  if (url !== undefined) return { url, shortCircuit: true };
  return next(typeScriptTwin(specifier, context.parentURL) ?? specifier, context);
}

export function load<Context, Outcome>(
  url: string,
  context: Context,
  next: (url: string, context: Context) => Outcome,
): Outcome | Loaded {
  if (!url.startsWith("file:")) return next(url, context);
  const file = fileURLToPath(url.replace(/[?#].*$/, ""));
  const extension = extname(file);
  if (!isTypeScript(extension)) return next(url, context);
  const format = extension === ".cts" ? "commonjs" : "module";
  return { format, source: withoutTypes(file), shortCircuit: true };
}

function isTypeScript(extension: string): boolean {
  return [".ts", ".mts", ".cts"].includes(extension);
}

/**
 * The TypeScript file that a relative import without an extension, or with that of its compiled form, means:
 * both are how TypeScript is written for bundlers and for tsc. undefined: the specifier stands as it is.
 */
function typeScriptTwin(specifier: string, parent: string | undefined): string | undefined {
  if (!/^\.{1,2}\//.test(specifier) || !parent?.startsWith("file:")) return undefined;
  if (existsSync(new URL(specifier, parent))) return undefined;
  const twins = [specifier.replace(/\.([cm]?)js$/, ".$1ts"), `${specifier}.ts`];
  return twins.find((twin) => existsSync(new URL(twin, parent)));
}

/** Types become blanks, so that lines and columns in stack traces are the source's own. */
function withoutTypes(file: string): string {
  const source = readFileSync(file, "utf8");
  try {
    return transformSync(source, { mode: "strip-only", filename: file }).code;
  } catch (thrown) {
    throw new SyntaxError(syntaxError(file, thrown));
  }
}

/** What the transformer throws: no Error. */
interface SyntaxProblem {
  readonly message?: string;
  readonly snippet?: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

function syntaxError(file: string, thrown: unknown): string {
  const { message, snippet, startLine, startColumn } = Object(thrown) as SyntaxProblem;
  if (message === undefined) return `${file}: ${String(thrown)}`;
  const column = startColumn === undefined ? "" : `:${startColumn + 1}`;
  const place = startLine === undefined ? file : `${file}:${startLine}${column}`;
  const way = message.includes("strip-only")
    ? "; only types that can be erased are understood: compile the file to .js, or do without it"
    : "";
  const lines = snippet === undefined ? "" : `\n${snippet.trimEnd()}`;
  return `${place}: ${message.replace(" in strip-only mode", "")}${way}${lines}`;
}
