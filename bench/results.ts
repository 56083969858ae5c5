import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root, seen from bench/dist/bench. */
export const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** Writes bench/results/`name`; an object becomes JSON. */
export function writeResult(name: string, content: object | string): void {
  const folder = join(repository, "bench", "results");
  mkdirSync(folder, { recursive: true });
  const text = typeof content === "string" ? content : `${resultText(content)}\n`;
  writeFileSync(join(folder, name), text);
}

/** JSON with a line for each list of plain values. */
export function resultText(report: object): string {
  const listsOfPlainValues = /\[\s+([^[\]{}]*?)\s+\]/g;
  return JSON.stringify(report, null, 2).replace(
    listsOfPlainValues,
    (_, items: string) => `[${items.replaceAll(/\s*\n\s*/g, " ")}]`,
  );
}

export function machine() {
  return { cpu: cpus()[0]?.model ?? "unknown", cpus: cpus().length, node: process.versions.node };
}

/** The commit that is checked out, and whether the sources differ from it; results may. */
export function source(): { readonly commit: string; readonly dirty: boolean } {
  const git = (...argv: readonly string[]): string =>
    spawnSync("git", argv, { cwd: repository, encoding: "utf8" }).stdout.trim();
  const changes = git("status", "--porcelain", "--", ".", ":!bench/results");
  return { commit: git("rev-parse", "HEAD"), dirty: changes !== "" };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The value below which a share `q` of the values lies. @param sorted Rising. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** To `digits` decimals. */
export function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
