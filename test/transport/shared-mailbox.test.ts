import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UnrollFrame } from "../../src/protocol.ts";
import { SharedMailbox } from "../../src/transport/shared-mailbox.ts";
import { copied, frameOf, frames, shape } from "./unrolls.ts";

const SLOTS = 3;
const open = () => new SharedMailbox(SharedMailbox.allocate(shape, SLOTS, 16));

describe("SharedMailbox", () => {
  test("behaves like a bounded queue, whatever the order of writes and reads", () => {
    const operations = fc.array(fc.oneof(frames, fc.constant("take" as const)));
    fc.assert(
      fc.property(operations, (steps) => {
        const mailbox = open();
        const queue: UnrollFrame[] = [];
        for (const step of steps) {
          if (step === "take") {
            const frame = mailbox.peek();
            expect(frame && copied(frame)).toEqual(queue.shift());
            if (frame) mailbox.release();
          } else {
            const written = mailbox.write(step);
            expect(written).toBe(queue.length < SLOTS);
            if (written) queue.push(step);
          }
          expect(mailbox.waiting).toBe(queue.length);
        }
      }),
    );
  });

  test("keeps counting past 2^31 frames", () => {
    const memory = SharedMailbox.allocate(shape, 4, 0);
    new Int32Array(memory.buffer, 0, 2).fill(0x7fffffff);
    const mailbox = new SharedMailbox(memory);
    for (let i = 0; i < 9; i++) {
      expect(mailbox.write(frameOf(i))).toBe(true);
      expect(mailbox.peek()?.sequence).toBe(i);
      mailbox.release();
    }
    expect(mailbox.waiting).toBe(0);
  });

  test("refuses a snapshot that does not fit its slot", () => {
    expect(() => open().write(frameOf(0, 1, new Uint8Array(17)))).toThrow(/17 bytes, room for 16/);
  });
});
