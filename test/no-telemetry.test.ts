import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";

/** What the process's own environment says after the library was loaded, as a library in C sees it. */
function seen(environment: Readonly<Record<string, string>>): string {
  const script =
    'await import("./dist/index.js");' +
    'const { execFileSync } = await import("node:child_process");' +
    'process.stdout.write(execFileSync("printenv", ["ORT_DISABLE_TELEMETRY"]));';
  const { ORT_DISABLE_TELEMETRY: _, ...inherited } = process.env;
  const argv = ["--input-type=module", "-e", script];
  return execFileSync(process.execPath, argv, {
    env: { ...inherited, ...environment },
    encoding: "utf8",
  }).trim();
}

describe("the library", () => {
  test("has ONNX Runtime report nothing, unless its user wants it", { timeout: 90_000 }, () => {
    expect(seen({})).toBe("1");
    expect(seen({ ORT_DISABLE_TELEMETRY: "0" })).toBe("0");
  });
});
