import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  FrameRefusalReason,
  RefusalReason,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { frameOf, Harness, type HarnessOptions, helloOf, payloadOf, poll } from "./harness.ts";

const frames = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => frameOf(from + i));

describe.each<HarnessOptions>([{ durability: "memory" }, { durability: "log" }])(
  "delivery with durability $durability",
  (options) => {
    test("frames reach the learner in order and become durable", async () => {
      await using harness = await Harness.open(options);
      const { actor, welcome } = await harness.join();
      expect(welcome).toMatchObject({ slot: 0, incarnation: 1, nextSequence: 0, durable: 0 });
      expect(welcome.sendLimit).toBeGreaterThanOrEqual(2);
      harness.keepTaking();
      let next = 0;
      while (next < 200) {
        const limit = actor.last("acknowledgement")?.sendLimit ?? welcome.sendLimit;
        const to = Math.min(limit, 200);
        actor.send(...frames(next, to));
        next = to;
        await actor.wait("acknowledgement", ({ sendLimit }) => sendLimit > next || sendLimit > 200);
      }
      await actor.wait("acknowledgement", ({ durable }) => durable === 200);
      expect(harness.taken.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 200 }, (_, i) => i),
      );
      expect(harness.taken.every(({ seed, sequence }) => seed === sequence)).toBe(true);
    });

    test("a frame that comes twice is acknowledged and not taken twice", async () => {
      await using harness = await Harness.open(options);
      const { actor } = await harness.join();
      harness.keepTaking();
      actor.send(frameOf(0), frameOf(0), frameOf(1), frameOf(0));
      await actor.wait("acknowledgement", ({ durable }) => durable === 2);
      await poll(() => harness.taken.length === 2, "two frames");
      expect(actor.end).toBeUndefined();
    });

    test("a process that comes back goes on where it was, and its frames are asked for from there", async () => {
      await using harness = await Harness.open(options);
      const instance = randomBytes(16);
      const { actor, welcome } = await harness.join({ instance });
      harness.keepTaking();
      actor.send(frameOf(0), frameOf(1));
      await actor.wait("acknowledgement", ({ durable }) => durable === 2);
      const resume = { slot: welcome.slot, incarnation: welcome.incarnation, firstKeptSequence: 1 };
      const back = await harness.join({ instance, resume });
      expect(back.welcome).toMatchObject({ slot: 0, incarnation: 1, nextSequence: 2, durable: 2 });
      await poll(() => actor.end !== undefined, "the end of the former stream");
      expect(actor.last("refusal")).toBeUndefined();
      back.actor.send(frameOf(1), frameOf(2));
      await back.actor.wait("acknowledgement", ({ durable }) => durable === 3);
      expect(harness.taken.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    });

    test("an actor may be done with frames the learner never saw", async () => {
      await using harness = await Harness.open(options);
      const instance = randomBytes(16);
      await harness.join({ instance });
      const resume = { slot: 0, incarnation: 1, firstKeptSequence: 10 };
      const { actor, welcome } = await harness.join({ instance, resume });
      expect(welcome.nextSequence).toBe(10);
      harness.keepTaking();
      actor.send(frameOf(10));
      await actor.wait("acknowledgement", ({ durable }) => durable === 11);
    });

    test("another process of the name takes the slot over, and the one before is fenced", async () => {
      await using harness = await Harness.open(options);
      const old = randomBytes(16);
      const { actor } = await harness.join({ instance: old });
      const { welcome, actor: successor } = await harness.join({});
      expect(welcome).toMatchObject({ slot: 0, incarnation: 2, nextSequence: 0 });
      expect((await actor.refusal()).reason).toBe(RefusalReason.REFUSAL_REASON_FENCED);
      const back = harness.open();
      const resume = { slot: 0, incarnation: 1, firstKeptSequence: 0 };
      back.say({
        $case: "hello",
        value: helloOf({ instance: old, resume }),
      });
      expect((await back.refusal()).reason).toBe(RefusalReason.REFUSAL_REASON_FENCED);
      harness.keepTaking();
      successor.send(frameOf(0));
      await successor.wait("acknowledgement", ({ durable }) => durable === 1);
      expect(harness.taken).toEqual([{ seed: 0, slot: 0, incarnation: 2, sequence: 0 }]);
    });

    test("a frame without its checksum is asked for again, the third time it is refused", async () => {
      await using harness = await Harness.open(options);
      const { actor } = await harness.join();
      harness.keepTaking();
      const damaged = { ...frameOf(0), checksum: 1 };
      // What follows a damaged frame is ignored until it comes again.
      actor.send(damaged, frameOf(1));
      await actor.wait("frameRefusal", ({ sequence, resend }) => sequence === 0 && resend);
      actor.send(damaged, frameOf(1), damaged, frameOf(1));
      const refusal = await actor.wait("frameRefusal", ({ resend }) => !resend);
      expect(refusal).toMatchObject({
        sequence: 0,
        reason: FrameRefusalReason.FRAME_REFUSAL_REASON_CHECKSUM,
      });
      await actor.wait("acknowledgement", ({ durable }) => durable === 2);
      expect(harness.taken.map(({ sequence }) => sequence)).toEqual([1]);
    });

    test("a bad frame is refused with its reason, remembered, and holds up nothing", async () => {
      await using harness = await Harness.open(options);
      const instance = randomBytes(16);
      const { actor } = await harness.join({ instance });
      harness.keepTaking();
      const infinite = payloadOf(0, { rewards: new Float32Array(4).fill(NaN) });
      actor.send(frameOf(0, infinite), frameOf(1));
      const refusal = await actor.wait("frameRefusal");
      expect(refusal).toMatchObject({
        sequence: 0,
        resend: false,
        reason: FrameRefusalReason.FRAME_REFUSAL_REASON_NON_FINITE,
      });
      await actor.wait("acknowledgement", ({ durable }) => durable === 2);
      const resume = { slot: 0, incarnation: 1, firstKeptSequence: 0 };
      const { welcome } = await harness.join({ instance, resume });
      expect(welcome.refused).toEqual([refusal]);
    });

    test("an actor that comes back may leave out what was refused, one that is new may not", async () => {
      await using harness = await Harness.open(options);
      const instance = randomBytes(16);
      await harness.join({ instance });
      const resume = { slot: 0, incarnation: 1, firstKeptSequence: 0 };
      const { actor } = await harness.join({ instance, resume });
      harness.keepTaking();
      actor.send(frameOf(0));
      await actor.wait("acknowledgement", ({ sendLimit }) => sendLimit >= 3);
      actor.send(frameOf(2));
      await actor.wait("acknowledgement", ({ durable }) => durable === 3);
      expect(harness.taken.map(({ sequence }) => sequence)).toEqual([0, 2]);
    });
  },
);
