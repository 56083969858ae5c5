import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** buf starts as a fresh process each time: about a second, several on a busy machine. */
const TIMEOUT_MS = 30_000;
const BUF = resolve("node_modules/.bin/buf");
const BASELINE = resolve("test/fixtures/proto-baseline.json");

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "troupe-proto-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function buf(
  cwd: string,
  args: readonly string[],
): { readonly code: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(BUF, args, { cwd, encoding: "utf8" });
  return { code: status, text: stdout + stderr };
}

/** A copy of proto/ in which one file is changed; what buf says to it. */
function checkChanged(file: string, change: readonly [string, string]) {
  cpSync("proto", dir, { recursive: true });
  const path = join(dir, file);
  const before = readFileSync(path, "utf8");
  const after = before.replace(...change);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
  return buf(dir, ["breaking", "--against", BASELINE]);
}

describe("the protocol", { timeout: TIMEOUT_MS }, () => {
  test("is as buf wants it: named and commented", () => {
    expect(buf("proto", ["lint"])).toEqual({ code: 0, text: "" });
  });

  test("breaks nobody who speaks the baseline", () => {
    expect(buf("proto", ["breaking", "--against", BASELINE])).toEqual({ code: 0, text: "" });
  });

  test("may gain a field", () => {
    const change = ["uint64 env_steps = 5;", "uint64 env_steps = 5;\n  bool more = 99;"] as const;
    expect(checkChanged("troupe/v1/control.proto", change)).toEqual({ code: 0, text: "" });
  });

  test.each([
    [
      "a field with another number",
      ["uint64 sequence = 1;", "uint64 sequence = 9;"],
      /field.*"1".*sequence/is,
    ],
    ["a field of another type", ["fixed32 checksum = 2;", "string checksum = 2;"], /checksum/],
    ["a call that is gone", ["rpc GetPolicy(", "rpc FetchPolicy("], /GetPolicy/],
  ] as const)("may not have %s", (_, change, complaint) => {
    const { code, text } = checkChanged("troupe/v1/actor.proto", change);
    expect(code).not.toBe(0);
    expect(text).toMatch(complaint);
  });

  test("is what the generated stubs were generated from", () => {
    // The template writes to ../src/transport/generated of the folder that is given here.
    const base = join(dir, "proto");
    mkdirSync(base);
    expect(buf("proto", ["generate", "-o", base])).toEqual({ code: 0, text: "" });
    const generated = join("src", "transport", "generated");
    expect(contents(generated)).toEqual(contents(join(dir, generated)));
  });
});

function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(folder.length), readFileSync(file, "utf8")]),
  );
}
