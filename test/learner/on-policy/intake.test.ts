import { describe, expect, test } from "vitest";
import { Intake } from "../../../src/learner/on-policy/intake.ts";
import { TurnQueue } from "../../../src/replay/turn-queue.ts";
import { frameOf } from "./turns.ts";

function open(options: {
  actors?: number;
  maxAge?: number;
  select?: "every-actor" | "first-come";
}) {
  const { actors = 2, maxAge = 0, select = "every-actor" } = options;
  const queue = new TurnQueue(1e6);
  const intake = new Intake(queue, { actors, maxAge, select, timeoutMs: 1000 });
  const send = (actor: number, version = 0, endsTurn = true) =>
    queue.push(frameOf({ actor, version, endsTurn }));
  const actorsOf = (version: number, now = 0) =>
    intake.next(version, now)?.turns.map(({ actor }) => actor);
  return { queue, intake, send, actorsOf };
}

describe("TurnQueue", () => {
  test("makes a turn of an actor's frames, in order, however others come between", () => {
    const queue = new TurnQueue(1e6);
    queue.push(frameOf({ actor: 1, env: 0, endsTurn: false }));
    queue.push(frameOf({ actor: 2, env: 7 }));
    queue.push(frameOf({ actor: 1, env: 1 }));
    const turns = queue.ready.map(({ actor, steps, frames }) => ({
      ...{ actor, steps },
      envs: frames.map(({ unroll }) => unroll.env),
    }));
    expect(turns).toEqual([
      { actor: 2, steps: 3, envs: [7] },
      { actor: 1, steps: 6, envs: [0, 1] },
    ]);
  });

  test("copies: what its sender does with the arrays afterwards is nothing to it", () => {
    const queue = new TurnQueue(1e6);
    const frame = frameOf();
    queue.push(frame);
    frame.unroll.rewards.fill(9);
    frame.unroll.extras?.["values"]?.fill(9);
    expect(queue.ready[0]?.frames[0]).toEqual(frameOf());
  });

  test("holds so many bytes, gives them back, and takes one frame in any case", () => {
    const queue = new TurnQueue(100);
    expect(queue.push(frameOf())).toBe(true);
    expect(queue.push(frameOf())).toBe(false);
    expect(queue.bytes).toBeGreaterThan(0);
    queue.remove(queue.ready);
    expect(queue.bytes).toBe(0);
    expect(queue.push(frameOf())).toBe(true);
  });

  test("counts the steps of a turn that its actor did not live to finish", () => {
    const queue = new TurnQueue(1e6);
    queue.push(frameOf({ endsTurn: false }));
    queue.push(frameOf({ incarnation: 2 }));
    expect(queue.ready.map(({ steps }) => steps)).toEqual([3]);
    expect(queue.takeAbandonedSteps()).toBe(3);
    expect(queue.takeAbandonedSteps()).toBe(0);
  });
});

describe("Intake", () => {
  test("waits for one turn of every actor and orders them by actor", () => {
    const { send, actorsOf } = open({});
    send(1);
    expect(actorsOf(0)).toBeUndefined();
    send(1);
    expect(actorsOf(0)).toBeUndefined();
    send(0);
    expect(actorsOf(0)).toEqual([0, 1]);
    // The second turn of actor 1 is still there.
    send(0);
    expect(actorsOf(0)).toEqual([0, 1]);
    expect(actorsOf(0)).toBeUndefined();
  });

  test("does without an actor that is late, says so, and waits for it again when it is back", () => {
    const { send, intake, actorsOf } = open({});
    send(0);
    send(1, 0, false);
    expect(intake.next(0, 0)).toBeUndefined();
    expect(intake.next(0, 999)).toBeUndefined();
    expect(intake.next(0, 1000)).toMatchObject({ missing: 1, turns: [{ actor: 0 }] });
    send(0, 1);
    expect(actorsOf(1, 2000)).toEqual([0]);
    send(1, 2, false);
    send(0, 2);
    expect(actorsOf(2, 3000)).toBeUndefined();
    send(1, 2);
    expect(actorsOf(2, 3001)).toEqual([0, 1]);
  });

  test("drops what is older than it may be, or of a policy that never was, and counts it", () => {
    const { send, intake, actorsOf } = open({ actors: 1, maxAge: 1 });
    send(0, 3);
    send(0, 6);
    send(0, 4);
    expect(actorsOf(5)).toEqual([0]);
    expect(intake.takeStaleSteps()).toBe(6);
    expect(intake.takeStaleSteps()).toBe(0);
  });

  test("takes whichever turns come first when it is told to", () => {
    const { send, actorsOf } = open({ select: "first-come", maxAge: 2 });
    send(1);
    send(1);
    send(0);
    expect(actorsOf(0)).toEqual([1, 1]);
    expect(actorsOf(0)).toBeUndefined();
  });
});
