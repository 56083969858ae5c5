import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Outbox,
  type OutboxFrame,
  type OutboxLimits,
} from "../../../src/transport/uplink/outbox.ts";

const frameOf = (id: number, bytes = 10): OutboxFrame => ({
  payload: new Uint8Array(bytes),
  checksum: id,
  steps: 1,
});

const limits = (more: Partial<OutboxLimits> = {}): OutboxLimits => ({
  maxFrames: 3,
  maxBytes: 1000,
  policy: "pause",
  ...more,
});

/** Takes all that may be sent; `[sequence, id]` of each. */
function send(outbox: Outbox, limit = Infinity): [number, number][] {
  const sent: [number, number][] = [];
  for (;;) {
    const frame = outbox.next(limit, 0);
    if (!frame) return sent;
    sent.push([frame.sequence, frame.checksum]);
  }
}

describe("Outbox", () => {
  test("takes no more than fit, and again when something was sent", () => {
    const outbox = new Outbox(limits());
    expect([0, 1, 2, 3].map((id) => outbox.push(frameOf(id)))).toEqual([true, true, true, false]);
    expect(outbox.canTake).toBe(false);
    expect(send(outbox, 1)).toEqual([[0, 0]]);
    expect(outbox.push(frameOf(4))).toBe(true);
    expect(outbox.dropped).toBe(0);
  });

  test("takes no more from its bytes on, sent ones included", () => {
    const outbox = new Outbox(limits({ maxBytes: 100, policy: "drop-oldest" }));
    for (let id = 0; id < 2; id++) expect(outbox.push(frameOf(id, 50))).toBe(true);
    expect(send(outbox)).toHaveLength(2);
    expect(outbox.canTake).toBe(false);
    // What was sent may be in the learner's log by now: there is nothing that could make room.
    expect(outbox.push(frameOf(2, 50))).toBe(false);
    outbox.settle(1);
    expect(outbox.push(frameOf(2, 50))).toBe(true);
    expect(outbox.bytes).toBe(100);
  });

  test("drops the oldest that was never sent, and numbers the rest without a gap", () => {
    const outbox = new Outbox(limits({ policy: "drop-oldest" }));
    outbox.push(frameOf(0));
    expect(send(outbox)).toEqual([[0, 0]]);
    for (let id = 1; id <= 5; id++) expect(outbox.push(frameOf(id))).toBe(true);
    expect(outbox.dropped).toBe(2);
    expect(send(outbox)).toEqual([
      [1, 3],
      [2, 4],
      [3, 5],
    ]);
  });

  test("sends again from where it is rewound to, before anything new", () => {
    const outbox = new Outbox(limits());
    for (let id = 0; id < 3; id++) outbox.push(frameOf(id));
    send(outbox);
    outbox.push(frameOf(3));
    outbox.rewind(1);
    expect(send(outbox, 3)).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(outbox.resent).toBe(2);
    expect(send(outbox)).toEqual([[3, 3]]);
  });

  test("forgets what is refused and goes on behind it", () => {
    const outbox = new Outbox(limits());
    for (let id = 0; id < 3; id++) outbox.push(frameOf(id));
    send(outbox);
    expect(outbox.refuse(1)?.checksum).toBe(1);
    expect(outbox.refuse(1)).toBeUndefined();
    outbox.rewind(1);
    expect(send(outbox)).toEqual([[2, 2]]);
    expect(outbox.settle(3).map(({ sequence }) => sequence)).toEqual([0, 2]);
    expect(outbox.firstKept).toBe(3);
  });

  test("begins a new sequence with all it still has", () => {
    const outbox = new Outbox(limits());
    for (let id = 0; id < 3; id++) outbox.push(frameOf(id));
    send(outbox, 2);
    outbox.settle(1);
    outbox.renumber();
    expect(outbox.firstKept).toBe(0);
    expect(send(outbox)).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });
});

/** The obvious outbox: one list, every question answered by looking at all of it. */
class Model {
  items: { id: number; sequence: number | undefined; toSend: boolean }[] = [];
  next = 0;
  dropped = 0;
  readonly #limits: OutboxLimits;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  push(id: number): boolean {
    const { maxFrames, maxBytes, policy } = this.#limits;
    const hasRoom = () =>
      this.items.filter(({ sequence }) => sequence === undefined).length < maxFrames &&
      10 * this.items.length < maxBytes;
    while (policy === "drop-oldest" && !hasRoom()) {
      const oldest = this.items.findIndex(({ sequence }) => sequence === undefined);
      if (oldest < 0) break;
      this.items.splice(oldest, 1);
      this.dropped += 1;
    }
    if (!hasRoom()) return false;
    this.items.push({ id, sequence: undefined, toSend: true });
    return true;
  }

  send(limit: number): [number, number][] {
    const sent: [number, number][] = [];
    for (const item of this.items) {
      if (!item.toSend) continue;
      if ((item.sequence ?? this.next) >= limit) break;
      item.sequence ??= this.next++;
      item.toSend = false;
      sent.push([item.sequence, item.id]);
    }
    return sent;
  }

  settle(sequence: number): number[] {
    const isDone = (item: { sequence: number | undefined }) =>
      item.sequence !== undefined && item.sequence < sequence;
    const done = this.items.filter(isDone).map(({ id }) => id);
    this.items = this.items.filter((item) => !isDone(item));
    return done;
  }

  refuse(sequence: number): void {
    this.items = this.items.filter((item) => item.sequence !== sequence);
  }

  rewind(from: number): void {
    for (const item of this.items) {
      if (item.sequence !== undefined) item.toSend = item.sequence >= from;
    }
  }

  renumber(): void {
    this.next = 0;
    for (const item of this.items) Object.assign(item, { sequence: undefined, toSend: true });
  }

  get firstKept(): number {
    return this.items[0]?.sequence ?? this.next;
  }
}

const step = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ do: "push" } as const) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), limit: fc.nat(30) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("settle" as const), at: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("refuse" as const), at: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rewind" as const), at: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant({ do: "renumber" } as const) },
);

test("an outbox does what a plain list does, whatever is asked of it", () => {
  const anyLimits = fc.record({
    maxFrames: fc.integer({ min: 1, max: 4 }),
    maxBytes: fc.integer({ min: 1, max: 80 }),
    policy: fc.constantFrom("pause" as const, "drop-oldest" as const),
  });
  fc.assert(
    fc.property(anyLimits, fc.array(step, { maxLength: 60 }), (given, steps) => {
      const outbox = new Outbox(given);
      const model = new Model(given);
      let id = 0;
      for (const step of steps) {
        switch (step.do) {
          case "push": {
            const canTake = outbox.canTake;
            expect(outbox.push(frameOf(id))).toBe(canTake);
            expect(model.push(id)).toBe(canTake);
            id += 1;
            break;
          }
          case "send":
            expect(send(outbox, step.limit)).toEqual(model.send(step.limit));
            break;
          case "settle":
            expect(outbox.settle(step.at).map(({ checksum }) => checksum)).toEqual(
              model.settle(step.at),
            );
            break;
          case "refuse":
            outbox.refuse(step.at);
            model.refuse(step.at);
            break;
          case "rewind":
            outbox.rewind(step.at);
            model.rewind(step.at);
            break;
          case "renumber":
            outbox.renumber();
            model.renumber();
            break;
        }
        expect(outbox.length).toBe(model.items.length);
        expect(outbox.bytes).toBe(10 * model.items.length);
        expect(outbox.dropped).toBe(model.dropped);
        expect(outbox.firstKept).toBe(model.firstKept);
      }
    }),
  );
});
