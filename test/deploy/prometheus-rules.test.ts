import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { skipBecause } from "../skip-because.ts";
import { alertCases } from "./prometheus-alert-cases.ts";
import { recordCases } from "./prometheus-record-cases.ts";
import { alerts, RULES, readRules, records, testAlert, testRecord } from "./prometheus-rules.ts";

// promtool evaluates every rule at every step: a second, and more on a busy machine.
const TIMEOUT = { timeout: 120_000 };

const hasPromtool = !spawnSync("promtool", ["--version"]).error;

function needsPromtool(context: TestContext): void {
  if (!hasPromtool) skipBecause("there is no promtool", context);
}

function scratch({ onTestFinished }: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "promtool-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("alerts", () => {
  test.for(alerts)("%s fires when it should, and only then", TIMEOUT, (alert, context) => {
    const tests = alertCases[alert] ?? [];
    expect(tests.some(({ expected }) => expected.length > 0)).toBe(true);
    expect(tests.some(({ expected }) => expected.length === 0)).toBe(true);
    needsPromtool(context);
    expect(testAlert(scratch(context), alert, tests)).toBe("");
  });

  test("each say how bad it is, what is the matter and where to read on", () => {
    const runbook = readFileSync("docs/runbook.md", "utf8");
    for (const { alert, labels, annotations } of readRules()) {
      if (alert === undefined) continue;
      expect(["warning", "critical"], alert).toContain(labels?.["severity"]);
      expect(annotations?.["summary"], alert).toBeTruthy();
      expect(annotations?.["description"], alert).toBeTruthy();
      expect(annotations?.["runbook_url"], alert).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
      expect(runbook, alert).toMatch(new RegExp(`^### ${alert}$`, "m"));
    }
    // And no section is left over from an alert that went.
    const sections = [...runbook.matchAll(/^### (Troupe\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts);
  });
});

describe("recording rules", () => {
  test.for(records)("%s", TIMEOUT, (record, context) => {
    const recordCase = recordCases[record];
    if (recordCase === undefined) throw new Error(`${record} has no test`);
    needsPromtool(context);
    expect(testRecord(scratch(context), record, recordCase)).toBe("");
  });
});

describe("deploy/prometheus", () => {
  test("passes promtool", (context) => {
    needsPromtool(context);
    const commands = [
      ["check", "rules", ...RULES],
      ["check", "config", "deploy/prometheus/prometheus.yml"],
    ];
    for (const command of commands) {
      const { status, stdout, stderr } = spawnSync("promtool", command, { encoding: "utf8" });
      expect(status, `${stdout}${stderr}`).toBe(0);
    }
  });

  test("tests every rule there is, and none that is not", () => {
    expect(Object.keys(alertCases).sort()).toEqual([...alerts].sort());
    expect(Object.keys(recordCases).sort()).toEqual([...records].sort());
  });
});
