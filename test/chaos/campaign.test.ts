import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { skipBecause } from "../skip-because.ts";
import { missingFaults, runCampaign } from "./campaign.ts";

const FAULTS = 20;
/** Each fault lasts up to 2.5 s, and a learner that was killed takes as long to come back. */
const TIMEOUT_MS = 240_000;
/** At random it is about -14, at best about -1.4. */
const LEARNED = -5;

test(`${FAULTS} seeded faults lose nothing, double nothing, and learning goes on`, {
  timeout: TIMEOUT_MS,
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "troupe-chaos-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const result = await runCampaign({ folder, seed: 1, faults: FAULTS });
  expect(result.problems).toEqual([]);
  expect(result.injected.length).toBe(FAULTS);
  expect(result.reportedDurable).toBeGreaterThan(1_000);
  expect(result.updates).toBeGreaterThan(1_000);
  expect(Math.max(...result.shutdownMs)).toBeLessThan(10_000);
  expect(Math.max(...result.returns)).toBeGreaterThan(LEARNED);
  const missing = [...missingFaults()].map(([name, why]) => `${name}: ${why}`);
  if (missing.length > 0) skipBecause(`passed, but without ${missing.join("; ")}`, context);
});
