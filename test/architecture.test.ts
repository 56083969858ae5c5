import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { expect, test } from "vitest";

const src = new URL("../src/", import.meta.url).pathname;

/** Folders in the order of ARCHITECTURE.md: each imports from its own line and those above. */
const layers: readonly (readonly string[])[] = [
  ["math", "errors", "no-telemetry", "threads"],
  ["storage", "render", "envs", "compile", "algorithms", "replay", "protocol"],
  ["transport", "video"],
  ["actors", "learner"],
  ["run"],
  ["index", "plugin"],
  ["cli"],
];
/** Say what a run is and what it reports; everybody may. */
const anywhere = new Set(["config", "metrics"]);

interface Import {
  readonly from: string;
  readonly to: string;
}

test("imports point one way", () => {
  const rank = new Map(layers.flatMap((names, i) => names.map((name) => [name, i] as const)));
  const imports = sources().flatMap(importsOf);
  expect(imports.length).toBeGreaterThan(1000);
  const upward = imports.filter(({ from, to }) => {
    const [low, high] = [part(from), part(to)];
    if (low === high || anywhere.has(low) || anywhere.has(high)) return false;
    return rank.get(high)! > rank.get(low)!;
  });
  expect(upward.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  const known = new Set([...rank.keys(), ...anywhere]);
  const unknown = imports.map(({ from }) => part(from)).filter((name) => !known.has(name));
  expect([...new Set(unknown)]).toEqual([]);
});

function sources(): string[] {
  return readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
}

function importsOf(from: string): Import[] {
  const text = readFileSync(join(src, from), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, to = ""]) => ({
    from,
    to: relative(src, join(src, dirname(from), to)),
  }));
}

/** The folder of src, or the file beside the folders, that a path belongs to. */
function part(path: string): string {
  return (path.split(sep)[0] ?? "").replace(/\.ts$/, "");
}
