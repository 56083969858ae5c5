import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SmallDisk, whyNoSmallDisk } from "../chaos/disk.ts";
import { fillUp } from "../chaos/faults.ts";
import { skipBecause } from "../skip-because.ts";
import { records, SMALL, scratchFolder, settings, startTrain } from "./train-process.ts";

/** Whatever could not be written first. */
const GAP = "no space left on the disk; the run goes on, its records have a gap";

test("a run whose disk is full goes on, says so once, and records all again when there is room", {
  timeout: 240_000,
}, async (context) => {
  const reason = whyNoSmallDisk();
  if (reason) skipBecause(reason, context);
  using disk = new SmallDisk(join(scratchFolder(context), "disk"), 16);
  const argv = [
    ...["PointMass-v0", "-n", "1000000", ...SMALL, "--name", "run"],
    ...settings({
      "checkpoint.intervalSeconds": 0.5,
      "checkpoint.milestoneInterval": 500,
      "evaluation.interval": 500,
      "evaluation.episodes": 1,
      "replay.capacity": 1000,
    }),
  ];
  const run = startTrain(context, disk.folder, { argv });
  const folder = join(disk.folder, "run");
  const stepsNow = (): number => records(folder).at(-1)?.["step"] ?? 0;
  await run.until("it trains", () => stepsNow() > 1000);
  {
    using _ballast = fillUp(disk.folder);
    await run.untilLogged(GAP);
    await run.untilLogged("no checkpoint: ");
  }
  const before = stepsNow();
  await run.until("records go on", () => stepsNow() > before);
  await run.untilLogged("there is room on the disk again");
  run.kill("SIGINT");
  const { code, stderr } = await run.ended();
  expect(code, stderr).toBe(130);
  expect(run.log.filter(({ msg }) => msg.includes(GAP))).toHaveLength(1);
  // No half lines.
  for (const [file, columns] of [
    ["progress.csv", undefined],
    ["monitor/0.monitor.csv", 3],
  ] as const) {
    const [head = "", ...rows] = readFileSync(join(folder, file), "utf8").trim().split("\n");
    const wanted = columns ?? head.split(",").length;
    const cut = rows.filter((row) => row.split(",").length !== wanted);
    expect(cut, file).toEqual([]);
  }
  expect(() =>
    readFileSync(join(folder, "log.jsonl"), "utf8").trim().split("\n").map(parse),
  ).not.toThrow();
});

function parse(line: string): unknown {
  return JSON.parse(line);
}
