import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readTlsIdentity } from "../../src/transport/tls.ts";
import type { CliResult } from "./run-cli.ts";
import { startCli } from "./start-cli.ts";

// Each of these starts Node, some five times; beside other test files that takes seconds.
const SLOW = { timeout: 90_000 };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "troupe-cli-certs-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const troupe = (...argv: string[]): Promise<CliResult> => startCli(["certs", ...argv], dir);

describe("troupe certs", SLOW, () => {
  test("leads from nothing to a cluster's certificates", async () => {
    const made = await troupe("init");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toMatch(/ca\.key +its secret key: stays here/);
    expect(made.stdout).toContain("npx troupe certs issue learner --host NAME,IP");
    const roles = ["learner", "actor", "viewer", "admin"] as const;
    const host = ["--host", "h.example,10.0.0.5"];
    const issued = await Promise.all(
      roles.map((role) => troupe("issue", role, ...(role === "learner" ? host : []))),
    );
    for (const result of issued) {
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(result.stdout).toMatch(/never ca\.key/);
    }
    for (const role of roles) {
      expect(readTlsIdentity(join(dir, "certs"), role).key).toContain("PRIVATE KEY");
      expect(statSync(join(dir, "certs", `${role}.key`)).mode & 0o777).toBe(0o600);
    }
    const shown = await troupe("show");
    const rows = shown.stdout.trim().split("\n");
    expect(rows).toHaveLength(6);
    expect(rows[4]).toMatch(
      /^learner\.crt +learner +h\.example,10\.0\.0\.5,localhost,127\.0\.0\.1,\S+ +\d{4}-\d\d-\d\d +36\d days left +yes$/,
    );
    const json = JSON.parse((await troupe("show", "--json")).stdout);
    expect(json[0]).toMatchObject({ file: "actor.crt", role: "actor", trusted: true });
  });

  test("fills a folder for another machine and says how to use it", async () => {
    await troupe("init", "--dir", "authority");
    const issued = await troupe(
      "issue",
      "actor",
      "--dir",
      "authority",
      "--out",
      "rack1",
      "--days",
      "30",
    );
    expect(issued.stdout).toContain("npx troupe actor --learner HOST:7447 --certs rack1");
    for (const file of ["ca.crt", "actor.crt", "actor.key"])
      expect(existsSync(join(dir, "rack1", file))).toBe(true);
    expect(existsSync(join(dir, "rack1", "ca.key"))).toBe(false);
  });

  test("says what was wrong with the request, and ends with 2", async () => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ["issue", "actor"],
        /certs\/ca\.crt is missing: begin with npx troupe certs init --dir certs/,
      ],
      [["issue", "root"], /invalid for argument 'role'.*learner, actor, viewer, admin/],
      [["issue", "actor", "--days", "0"], /whole number of at least 1/],
      [["show"], /ca\.crt is missing/],
    ];
    const results = await Promise.all(wrong.map(([argv]) => troupe(...argv)));
    for (const [i, { code, stderr }] of results.entries()) {
      expect(stderr).toMatch(wrong[i]![1]);
      expect(code).toBe(2);
    }
    await troupe("init");
    const again = await troupe("init");
    expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/--force replaces it/) });
    expect(await troupe("init", "--force")).toMatchObject({ code: 0 });
  });
});
