import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/learner/checkpoint/safetensors.ts";
import { NonFiniteGuard } from "../../src/learner/non-finite-guard.ts";
import { MetricsRecorder } from "../../src/metrics/recorder.ts";
import { createBatch } from "../../src/replay/batch.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "troupe-guard-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(canRollBack: boolean) {
  const warnings: string[] = [];
  const rollbacks: number[] = [];
  const guard = new NonFiniteGuard({
    folder,
    maxInARow: 3,
    maxRollbacks: 2,
    recorder: new MetricsRecorder(),
    warn: (message) => warnings.push(message),
    rollBack: () => canRollBack && rollbacks.push(warnings.length) > 0,
  });
  const batch = createBatch({ observationSize: 2, actionSize: 1, batchSize: 4 });
  batch.observations.fill(0.5);
  const fail = (learnerStep: number) =>
    guard.wasNotFinite({ batch, noise: { actions: new Float32Array(4) }, learnerStep });
  return { guard, fail, warnings, rollbacks };
}

describe("NonFiniteGuard", () => {
  test("saves what the update was computed from", () => {
    const { fail, warnings } = open(true);
    fail(17);
    const saved = decodeSafetensors(readFileSync(join(folder, "nonfinite/update_17.safetensors")));
    expect(saved["observations"]).toEqual({ shape: [4, 2], data: new Float32Array(8).fill(0.5) });
    expect(warnings[0]).toMatch(/update 17: .* not finite; parameters were kept, its batch is in/);
  });

  test("rolls back after three in a row, not after three in all", () => {
    const { guard, fail, rollbacks } = open(true);
    for (let step = 0; step < 8; step++) {
      if (step % 2 === 0) fail(step);
      else guard.wasFinite();
    }
    expect(rollbacks).toHaveLength(0);
    fail(8);
    fail(9);
    fail(10);
    expect(rollbacks).toHaveLength(1);
  });

  test("gives up when rolling back does not help, and when there is nothing to roll back to", () => {
    const { fail } = open(true);
    for (let step = 0; step < 8; step++) fail(step);
    expect(() => fail(8)).toThrow(/3 updates in a row were not finite after 2 rollbacks/);
    const fresh = open(false);
    fresh.fail(0);
    fresh.fail(1);
    expect(() => fresh.fail(2)).toThrow(/after 0 rollbacks/);
  });

  test("does not fill the disk", () => {
    const { guard, fail } = open(true);
    for (let step = 0; step < 30; step++) {
      fail(step);
      guard.wasFinite();
    }
    expect(readdirSync(join(folder, "nonfinite"))).toHaveLength(10);
  });
});
