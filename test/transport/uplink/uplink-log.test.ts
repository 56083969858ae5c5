import { expect, test, vi } from "vitest";
import { NoticeKind } from "../../../src/transport/generated/troupe/v1/actor.ts";
import { UplinkLog } from "../../../src/transport/uplink/uplink-log.ts";

test("many sessions that say the same make few lines", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const lines: string[] = [];
  const log = new UplinkLog("there:7447", (level, message) => lines.push(`${level} ${message}`));
  for (const areAllOpen of [false, true]) log.opened(1, areAllOpen);
  expect(log.lostMs).toBeUndefined();
  const draining = { kind: NoticeKind.NOTICE_KIND_DRAINING, message: "back soon" };
  for (let i = 0; i < 2; i++) log.notice(draining);
  expect(log.isDraining).toBe(true);
  for (const message of ["closed", "closed", "nobody", "nobody"]) log.lost(message);
  vi.advanceTimersByTime(3_000);
  expect(log.lostMs).toBe(3_000);
  for (const areAllOpen of [false, true]) log.opened(2, areAllOpen);
  expect(log.isDraining).toBe(false);
  for (let i = 0; i < 100; i++) log.refused(`unroll ${i}`, "non-finite", "a NaN");
  log.refused("unroll 7", "shape", "too wide");
  vi.advanceTimersByTime(5_000);
  log.refused("unroll 100", "non-finite", "a NaN");
  vi.useRealTimers();
  expect(lines).toEqual([
    "info connected to there:7447, term 1",
    "info the learner says: back soon",
    "warn closed; trying again",
    "warn nobody; trying again",
    "info connected to there:7447 again after 3.0 s, term 2",
    "warn unroll 0 was refused (non-finite): a NaN",
    "warn unroll 7 was refused (shape): too wide",
    "warn unroll 100 was refused (non-finite): a NaN (and 99 more for that reason)",
  ]);
});
