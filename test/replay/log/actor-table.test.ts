import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ActorName, ActorTable } from "../../../src/replay/log/actor-table.ts";
import { type LogRecord, MAX_REFUSED } from "../../../src/replay/log/log-record.ts";

const name = (index: number, instance = "a", host = "h"): ActorName => ({ host, index, instance });
const unroll = (slot: number, incarnation: number, sequence: number): LogRecord => {
  return { kind: "unroll", slot, incarnation, sequence, payload: new Uint8Array(0) };
};
const refused = (sequence: number): LogRecord => {
  return { kind: "refused", slot: 0, incarnation: 1, sequence, reason: "shape", message: "m" };
};

function newTable(maxActors = 3): ActorTable {
  return new ActorTable({ maxActors });
}

describe("ActorTable", () => {
  test("gives new names the lowest free slot and incarnation 1", () => {
    const table = newTable();
    expect(table.join(name(7), 0)).toMatchObject({ slot: 0, incarnation: 1, next: 0 });
    expect(table.join(name(7, "a", "other"), 0)).toMatchObject({ slot: 1, incarnation: 1 });
    expect(table.join(name(8), 0)).toMatchObject({ slot: 2, host: "h", index: 8, instance: "a" });
    expect(table.join(name(9), 0)).toBeUndefined();
  });

  test("keeps incarnation and cursor for who comes back, and counts up for another instance", () => {
    const table = newTable();
    table.join(name(0), 0);
    table.apply(unroll(0, 1, 0));
    table.apply(refused(1));
    expect(table.join(name(0), 5)).toMatchObject({ slot: 0, incarnation: 1, next: 2 });
    const fresh = { slot: 0, incarnation: 2, next: 0, refused: [] };
    expect(table.join(name(0, "b"), 5)).toMatchObject(fresh);
    // The old process is not heard any more, whatever it had on the way.
    table.apply(unroll(0, 1, 2), 6);
    expect(table.at(0)).toMatchObject(fresh);
  });

  test("a slot is free after a goodbye or ten minutes of silence, not before", () => {
    const table = newTable(2);
    table.join(name(0), 0);
    table.join(name(1), 0);
    table.heard(1, 1000);
    expect(table.join(name(2), 599_999)).toBeUndefined();
    expect(table.join(name(2), 600_000)).toMatchObject({ slot: 0, incarnation: 2, index: 2 });
    expect(table.join(name(3), 600_500)).toBeUndefined();
    table.apply({ kind: "leave", slot: 1, incarnation: 1 });
    expect(table.join(name(3), 600_500)).toMatchObject({ slot: 1, incarnation: 2, index: 3 });
    // Whoever lost its slot is a new name.
    expect(table.join(name(0), 600_500)).toBeUndefined();
  });

  test("who says goodbye and comes back at once goes on where it was", () => {
    const table = newTable(1);
    const cursor = table.join(name(0), 0);
    table.apply({ kind: "leave", slot: 0, incarnation: 1 });
    expect(table.at(0)).toEqual({ ...cursor, left: true });
    expect(table.join(name(0), 1)).toEqual(cursor);
  });

  test("joining again under the same incarnation takes nothing back", () => {
    const table = newTable();
    const cursor = table.join(name(0), 0)!;
    table.apply(refused(0));
    table.apply({ kind: "join", cursor });
    expect(table.at(0)).toMatchObject({ next: 1, refused: [{ sequence: 0 }] });
  });

  test("moves on with accepted, refused and skipped frames, never back", () => {
    const table = newTable();
    table.join(name(0), 0);
    for (let sequence = 0; sequence < MAX_REFUSED + 5; sequence++) table.apply(refused(sequence));
    const cursor = table.at(0);
    expect(cursor?.next).toBe(MAX_REFUSED + 5);
    expect(cursor?.refused.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: MAX_REFUSED }, (_, i) => i + 5),
    );
    table.apply({ kind: "skip", slot: 0, incarnation: 1, sequence: 100 });
    table.apply({ kind: "skip", slot: 0, incarnation: 1, sequence: 90 });
    table.apply(refused(50));
    expect(table.at(0)).toEqual({ ...cursor, next: 100 });
  });

  test("is the fold of its records, however often each is applied, from any snapshot on", () => {
    const slot = fc.integer({ min: 0, max: 3 });
    const event = fc.oneof(
      fc.record({ kind: fc.constant("join"), index: slot, instance: fc.constantFrom("a", "b") }),
      fc.record({ kind: fc.constantFrom("unroll", "refused", "skip", "leave"), slot }),
      fc.record({ kind: fc.constant("silence") }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.nat(60), (events, snapshotAt) => {
        const table = newTable(2);
        const folded = newTable(0);
        let restored = ActorTable.restore({ maxActors: 2 }, [], 0);
        let now = 0;
        const incarnations = new Map<number, number>();
        for (const [i, happened] of events.entries()) {
          now += happened.kind === "silence" ? 600_000 : 1;
          const record = recordOf(table, happened, now);
          if (record?.kind === "join") {
            const { slot: given, incarnation } = record.cursor;
            expect(given).toBeLessThan(2);
            expect(incarnation).toBeGreaterThanOrEqual(incarnations.get(given) ?? 1);
            incarnations.set(given, incarnation);
          }
          if (record) for (const one of [table, folded, folded, restored]) one.apply(record);
          if (i === snapshotAt) {
            const snapshot = JSON.parse(JSON.stringify(table.cursors()));
            restored = ActorTable.restore({ maxActors: 2 }, snapshot, now);
          }
        }
        expect(folded.cursors()).toEqual(table.cursors());
        if (snapshotAt < events.length) expect(restored.cursors()).toEqual(table.cursors());
        const seated = table.cursors().filter(({ left }) => left !== true);
        expect(new Set(seated.map(({ index }) => index)).size).toBe(seated.length);
      }),
    );
  });
});

type Happened =
  | { readonly kind: "join"; readonly index: number; readonly instance: string }
  | { readonly kind: string; readonly slot?: number };

function recordOf(table: ActorTable, happened: Happened, now: number): LogRecord | undefined {
  if ("instance" in happened) {
    const cursor = table.join(name(happened.index, happened.instance), now);
    return cursor && { kind: "join", cursor };
  }
  const cursor = table.at(happened.slot ?? -1);
  if (cursor === undefined) return undefined;
  const { slot, incarnation, next: sequence } = cursor;
  const id = { slot, incarnation, sequence };
  switch (happened.kind) {
    case "unroll":
      return unroll(slot, incarnation, sequence);
    case "refused":
      return { kind: "refused", ...id, reason: "flag", message: String(now) };
    case "skip":
      return { kind: "skip", ...id, sequence: sequence + 3 };
    case "leave":
      return { kind: "leave", slot, incarnation };
    default:
      return undefined;
  }
}
