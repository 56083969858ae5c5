import { describe, expect, test } from "vitest";
import { SendWindow } from "../../../src/transport/gateway/send-window.ts";

const WINDOW_SECONDS = 0.25;
const STEP_MS = 5;

interface Line {
  readonly actors: number;
  /** From the learner's taking a frame until the credit for it has brought another. */
  readonly roundTripMs: number;
  /** Frames the learner takes in a second, if it can. */
  readonly learnerRate: number;
}

/** Actors that always have something to send, for ten seconds; what happened in the last five. */
function simulate({ actors, roundTripMs, learnerRate }: Line): { rate: number; waitMs: number } {
  const window = new SendWindow(WINDOW_SECONDS, 0);
  const underWay: number[] = [];
  let [queue, sent, taken, budget, takenLate, queueLate] = [0, 0, 0, 0, 0, 0];
  for (let now = 0; now < 10_000; now += STEP_MS) {
    for (let limit = taken + actors * window.size(actors); sent < limit; sent++) {
      underWay.push(now + roundTripMs);
    }
    while (underWay[0] !== undefined && underWay[0] <= now) {
      underWay.shift();
      queue++;
    }
    budget = Math.min(budget + (learnerRate * STEP_MS) / 1000, learnerRate);
    const takes = Math.min(queue, Math.floor(budget));
    queue -= takes;
    taken += takes;
    budget = queue === 0 ? Math.min(budget, 1) : budget - takes;
    const held = sent >= taken + actors * window.size(actors);
    window.look(
      { taken: takes, isQueueEmpty: queue === 0, areActorsHeldBack: () => held },
      now + STEP_MS,
    );
    if (now >= 5000) {
      takenLate += takes;
      queueLate += queue;
    }
  }
  return { rate: takenLate / 5, waitMs: (queueLate * STEP_MS) / Math.max(takenLate, 1) };
}

describe("SendWindow", () => {
  test.each<Line>([
    { actors: 1, roundTripMs: 20, learnerRate: 2000 },
    { actors: 64, roundTripMs: 20, learnerRate: 6000 },
    { actors: 64, roundTripMs: 400, learnerRate: 6000 },
    { actors: 16, roundTripMs: 100, learnerRate: 500 },
  ])("lets $actors actors $roundTripMs ms away keep the learner busy", (line) => {
    expect(simulate(line).rate).toBeGreaterThan(0.65 * line.learnerRate);
  });

  test.each<Line>([
    { actors: 1, roundTripMs: 20, learnerRate: 200 },
    { actors: 16, roundTripMs: 20, learnerRate: 1000 },
    { actors: 64, roundTripMs: 5, learnerRate: 3000 },
  ])("keeps the wait for a learner of $learnerRate frames/s near the window's time", (line) => {
    expect(simulate(line).waitMs).toBeLessThan(1.5 * 1000 * WINDOW_SECONDS);
  });

  test("leaves every actor two frames, and none more than 64", () => {
    const window = new SendWindow(WINDOW_SECONDS, 0);
    expect(window.size(1000)).toBe(2);
    window.look({ taken: 1e6, isQueueEmpty: true, areActorsHeldBack: () => true }, 100);
    expect(window.size(1)).toBe(64);
  });
});
