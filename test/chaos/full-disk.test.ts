import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { RunFolder } from "../../src/learner/run-folder.ts";
import { readRunInfo } from "../../src/learner/run-info.ts";
import { skipBecause } from "../skip-because.ts";
import { SmallDisk, whyNoSmallDisk } from "./disk.ts";

test("run.json on a full disk stays as it was, the failure says why, and later it works", (context) => {
  const reason = whyNoSmallDisk();
  if (reason) skipBecause(reason, context);
  const folder = mkdtempSync(join(tmpdir(), "troupe-full-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  using disk = new SmallDisk(join(folder, "disk"), 1);
  using run = RunFolder.create({
    config: parseConfig({ run: { dir: disk.folder, name: "run" } }),
    machine: { cpus: 2, memoryBytes: 1e9 },
    commandLine: ["troupe", "train"],
    now: new Date("2026-01-02T03:04:05Z"),
  });
  const ballast = join(disk.folder, "ballast");
  const { bavail, bsize } = statfsSync(disk.folder);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize));
  expect(() => run.update({ envSteps: 17 })).toThrow(
    expect.objectContaining({
      code: "DISK_FULL",
      message: expect.stringMatching(/run\.json: no space left on the disk$/),
    }),
  );
  expect(readRunInfo(run.path).envSteps).toBe(0);
  rmSync(ballast);
  run.update({ envSteps: 18 });
  expect(readRunInfo(run.path).envSteps).toBe(18);
});
