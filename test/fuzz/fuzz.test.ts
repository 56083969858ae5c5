import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const runner = fileURLToPath(new URL("./fuzz.mjs", import.meta.url));
/** Over all targets. `TROUPE_FUZZ_CASES=100000 npx vitest run test/fuzz` takes minutes. */
const CASES = Number(process.env["TROUPE_FUZZ_CASES"] ?? 20_000);
const SEED = Number(process.env["TROUPE_FUZZ_SEED"] ?? 1);
/** Shares of the cases; a segment goes through a file. */
const TARGETS = [
  ["payload", 0.4],
  ["message", 0.2],
  ["policy", 0.1],
  ["segment", 0.15],
  ["log", 0.15],
] as const;
const GROWTH_LIMIT = 100e6;

interface Report {
  readonly cases: number;
  readonly outcomes: { readonly taken?: number; readonly refused?: number };
  readonly rss_growth_bytes: number;
}

function fuzz(target: string, cases: number): Promise<Report> {
  const argv = ["--expose-gc", runner, target, String(SEED), "0", String(cases)];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, argv, (error, stdout, stderr) => {
      if (error) reject(new Error(`${target}: ${stdout}${stderr}`, { cause: error }));
      else resolve(JSON.parse(stdout) as Report);
    });
  });
}

describe("bytes that nobody should send", () => {
  // Thousands of cases in a process of their own.
  test.each(TARGETS)(
    "%s: refused in good order, without a crash, a hang or a leak",
    { timeout: 60_000 + 10 * CASES },
    async (target, share) => {
      const cases = Math.ceil(CASES * share);
      const report = await fuzz(target, cases);
      expect(report.cases).toBe(cases);
      // Mutations that break everything, or nothing, find nothing.
      expect(report.outcomes.refused).toBeGreaterThan(cases / 50);
      expect(report.outcomes.taken).toBeGreaterThan(cases / 50);
      expect(report.rss_growth_bytes).toBeLessThan(GROWTH_LIMIT);
    },
  );
});
