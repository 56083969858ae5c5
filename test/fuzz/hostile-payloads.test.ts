import fc from "fast-check";
import { pack } from "msgpackr";
import { describe, expect, test } from "vitest";
import { MsgpackCursor } from "../../src/replay/msgpack-cursor.ts";
import { encodeUnroll, UnrollDecoder } from "../../src/replay/unroll-codec.ts";
import { frameOf, frames, shape } from "../transport/unrolls.ts";

/** The longest payload a learner takes. */
const LONGEST = 8 << 20;
/** Of a CPU, to look at each of 8 MiB once; a decoder that builds them takes seconds. */
const LOOK_MS = 2_000;

/** `{x: value}`, the value filling the payload. */
function mapOf(key: string, head: readonly number[], fill: number): Uint8Array {
  const start = [0x81, 0xa0 + key.length, ...Buffer.from(key), ...head];
  const bytes = Buffer.alloc(LONGEST, fill);
  bytes.set(start);
  return bytes;
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

const hostile: readonly [string, Uint8Array][] = [
  ["millions of empty maps", mapOf("x", [0xdd, ...u32(LONGEST - 8)], 0x80)],
  ["millions of empty maps as a shape", mapOf("rewards", [0x81, 0xa5, 0x73, 0x68], 0x80)],
  ["a map of four billion entries", mapOf("x", [0xdf, ...u32(0xffff_ffff)], 0xc0)],
  ["maps in maps in maps", mapOf("x", [], 0x81)],
  ["arrays in arrays as a version", mapOf("v", [], 0x91)],
  ["an integer of 8 MiB as a version", mapOf("v", [0xc9, ...u32(LONGEST - 9), 0x42], 0x7f)],
  ["a text of 8 MiB as a version", mapOf("v", [0xdb, ...u32(LONGEST - 8)], 0x61)],
  ["a text longer than the payload", mapOf("x", [0xdb, ...u32(0xffff_ffff)], 0x61)],
  ["many definitions of records", mapOf("x", [0xdd, ...u32(1e6)], 0xd4)],
];

describe("UnrollDecoder", () => {
  test.each(hostile)("refuses %s at a glance, in few words", (_, payload) => {
    const decoder = new UnrollDecoder(shape);
    const before = process.cpuUsage();
    const { refusal } = decoder.decode(payload, 0);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(LOOK_MS);
    expect(refusal?.message.length).toBeLessThan(300);
  });

  test("takes what encodeUnroll makes, wherever it lies in memory", () => {
    fc.assert(
      fc.property(frames, fc.nat(7), ({ unroll }, offset) => {
        const bytes = encodeUnroll(unroll, shape);
        const memory = new Uint8Array(bytes.length + offset);
        memory.set(bytes, offset);
        const decoded = new UnrollDecoder(shape).decode(memory.subarray(offset), unroll.actor);
        expect(decoded.refusal).toBeUndefined();
        expect(decoded.unroll).toEqual(unroll);
      }),
    );
  });

  test("takes keys in any order, in other forms of msgpack, and passes over what it does not know", () => {
    const { unroll } = frameOf(4);
    const entries = Object.entries(
      // A Map, or msgpackr would give names to its columns.
      new UnrollMap(encodeUnroll(unroll, shape)).entries,
    ).reverse();
    const body = entries.map(([key, value]) => Buffer.concat([pack(key), value]));
    // map 32, keys unknown to version 1 among them
    const payload = Buffer.concat([
      Buffer.from([0xdf, ...u32(body.length + 2)]),
      pack("comment"),
      pack({ deep: [{ er: new Date(0) }, 1.5, -3, 2n ** 60n, null, "é".repeat(100)] }),
      ...body,
      pack(17),
      pack([true, new Uint8Array(300)]),
    ]);
    expect(new UnrollDecoder(shape).decode(payload, unroll.actor).unroll).toEqual(unroll);
  });

  test("refuses bytes behind the map", () => {
    const payload = Buffer.concat([encodeUnroll(frameOf(4).unroll, shape), Buffer.from([0xc0])]);
    expect(new UnrollDecoder(shape).decode(payload, 0).refusal?.reason).toBe("format");
  });
});

/** The entries of a payload's map as bytes. */
class UnrollMap {
  readonly entries: Record<string, Uint8Array> = {};

  constructor(payload: Uint8Array) {
    const cursor = new MsgpackCursor();
    cursor.start(payload);
    cursor.open();
    for (let left = cursor.size; left > 0; left--) {
      cursor.open();
      const key = cursor.text();
      const from = cursor.position;
      cursor.skip();
      this.entries[key] = payload.subarray(from, cursor.position);
    }
  }
}

describe("MsgpackCursor", () => {
  test("skips any value to its very end", () => {
    fc.assert(
      fc.property(fc.anything({ withTypedArray: true, withBigInt: true }), (value) => {
        let bytes: Uint8Array;
        try {
          bytes = pack(value);
        } catch {
          // Not every value is one of msgpack.
          return;
        }
        const cursor = new MsgpackCursor();
        cursor.start(bytes);
        cursor.skip();
        expect(cursor.atEnd).toBe(true);
      }),
    );
  });

  test.each([0, 1, 127, 128, 65_535, 65_536, 2 ** 32 - 1, 2 ** 40, -1, -32, -33, -32_769])(
    "reads the integer %i in every form",
    (value) => {
      const cursor = new MsgpackCursor();
      cursor.start(
        pack(Number.isInteger(value) && Math.abs(value) >= 2 ** 32 ? BigInt(value) : value),
      );
      expect([cursor.open(), cursor.size, cursor.atEnd]).toEqual(["integer", value, true]);
    },
  );
});
