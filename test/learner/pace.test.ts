import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TurnPace } from "../../src/learner/pace.ts";
import { RateLimiter } from "../../src/replay/rate-limiter.ts";

const BATCH = 32;

function open(minSize: number, updatesPerStep = 1) {
  const options = {
    samplesPerInsert: BATCH * updatesPerStep,
    minSize,
    errorBuffer: 10_000,
    batchSize: BATCH,
    unrollLength: 8,
    guaranteedSize: 100_000,
  };
  const limiter: RateLimiter = new RateLimiter(options, () => limiter.inserts);
  return { pace: new TurnPace(limiter, BATCH), limiter };
}

/** One whole turn: the actor's unrolls, then as many updates as the pace allows. */
function turn(pace: TurnPace, unrolls: readonly number[]): number {
  pace.onPublish();
  for (const rows of unrolls) {
    expect(pace.maySample()).toBe(false);
    expect(pace.atBoundary).toBe(false);
    pace.onInsert(rows);
  }
  pace.onTurnEnd();
  let updates = 0;
  while (pace.maySample()) {
    expect(pace.atBoundary).toBe(false);
    pace.onSample();
    updates++;
  }
  expect(pace.atBoundary).toBe(true);
  return updates;
}

describe("TurnPace", () => {
  test("owes one update for each step after the warm-up, and none for the warm-up", () => {
    const { pace } = open(20);
    expect(pace.atBoundary).toBe(true);
    expect([turn(pace, [8]), turn(pace, [8]), turn(pace, [8]), turn(pace, [8])]).toEqual([
      0, 0, 4, 8,
    ]);
  });

  test("makes the same updates in all, however the steps are cut into unrolls and turns", () => {
    const turns = fc.array(
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(turns, fc.constantFrom(0.25, 0.5, 1, 2), (all, ratio) => {
        const { pace, limiter } = open(10, ratio);
        const updates = all.reduce((sum, unrolls) => sum + turn(pace, unrolls), 0);
        expect(updates).toBe(Math.floor(Math.max(0, limiter.inserts - 10) * ratio));
      }),
    );
  });
});
