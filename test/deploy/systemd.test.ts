import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { skipBecause } from "../skip-because.ts";

const FOLDER = "deploy/systemd";

/** Units in a folder of their own, the template with an instance. */
function units(): { readonly folder: string; readonly files: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), "troupe-units-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = ["troupe-learner.service", "troupe-actor@1.service"].map((name) =>
    join(folder, name),
  );
  copyFileSync(join(FOLDER, "troupe-learner.service"), files[0]!);
  copyFileSync(join(FOLDER, "troupe-actor@.service"), files[1]!);
  return { folder, files };
}

describe("systemd units", () => {
  beforeEach((context) => {
    if (spawnSync("systemd-analyze", ["--version"]).error)
      skipBecause("there is no systemd-analyze", context);
  });

  const verify = (files: readonly string[]) => {
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", ...files], {
      encoding: "utf8",
    });
    return { status, stderr };
  };

  test("are what systemd understands", () => {
    expect(verify(units().files)).toEqual({ status: 0, stderr: "" });
  });

  test.each([
    { right: "MemoryMax=16G", wrong: "MemoryMaximum=16G", complaint: "Unknown key" },
    { right: "TimeoutStopSec=120s", wrong: "TimeoutStopSec=soon", complaint: "Failed to parse" },
  ])("with $wrong are complained about", ({ right, wrong, complaint }) => {
    const { files } = units();
    const text = readFileSync(files[0]!, "utf8");
    expect(text).toContain(right);
    writeFileSync(files[0]!, text.replace(right, wrong));
    expect(verify([files[0]!]).stderr).toContain(complaint);
  });

  test("leave a process few ways to do harm", () => {
    for (const file of units().files) {
      const argv = ["security", "--offline=true", "--threshold=25", "--no-pager", file];
      const { status, stdout, stderr } = spawnSync("systemd-analyze", argv, { encoding: "utf8" });
      expect(`${status} ${stderr || stdout.trim().split("\n").at(-1)}`).toMatch(/^0 .*level/);
    }
  });
});
