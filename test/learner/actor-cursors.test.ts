import { describe, expect, test } from "vitest";
import { ActorCursors, cursorsSchema, gatewayCursors } from "../../src/learner/actor-cursors.ts";
import type { UnrollFrame } from "../../src/protocol.ts";
import { frameOf } from "../transport/unrolls.ts";

function frame(actor: number, incarnation: number, sequence: number): UnrollFrame {
  const any = frameOf(1);
  return { ...any, unroll: { ...any.unroll, actor }, incarnation, sequence };
}

describe("ActorCursors", () => {
  test("follows each actor to the frame after its last, and into its next incarnation", () => {
    const cursors = new ActorCursors([]);
    cursors.saw(frame(3, 1, 0));
    cursors.saw(frame(5, 1, 7));
    cursors.saw(frame(3, 1, 1));
    cursors.saw(frame(5, 2, 0));
    expect(cursors.state()).toEqual([
      { slot: 3, incarnation: 1, next: 2 },
      { slot: 5, incarnation: 2, next: 1 },
    ]);
  });

  test("goes on from a checkpoint, which is JSON", () => {
    const before = new ActorCursors([]);
    before.saw(frame(0, 4, 9));
    const saved = cursorsSchema.parse(JSON.parse(JSON.stringify(before.state())));
    const after = new ActorCursors(saved);
    after.saw(frame(1, 1, 0));
    expect(after.state()).toEqual([...before.state(), { slot: 1, incarnation: 1, next: 1 }]);
    expect(gatewayCursors(saved)).toEqual([
      { slot: 0, incarnation: 4, next: 10, host: "", index: 0, instance: "", refused: [] },
    ]);
  });
});
