import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  FrameRefusalReason as FrameReason,
  type Hello,
  RefusalReason as Reason,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { wireShape } from "../../../src/transport/on-policy-run.ts";
import { frameOf, Harness, helloOf, payloadOf, poll, shape, unrollOf } from "./harness.ts";

describe("a session is refused", () => {
  const hellos: [keyof typeof Reason, Partial<Hello>, RegExp][] = [
    ["REFUSAL_REASON_PROTOCOL_VERSION", { protocolVersion: 2 }, /protocol 2, the learner 1/],
    ["REFUSAL_REASON_RUN", { runId: "other" }, /"other".*"run-1"/],
    ["REFUSAL_REASON_ENV", { envId: "Ant-v5" }, /"Ant-v5".*"Test-v0"/],
    [
      "REFUSAL_REASON_SHAPE",
      { shape: wireShape({ ...shape, actionSize: 9 }) },
      /actions of 9.*actions of 2/,
    ],
    ["REFUSAL_REASON_SHAPE", { shape: undefined }, /no shape/],
    ["REFUSAL_REASON_PROTOCOL", { instance: Buffer.alloc(3) }, /3 bytes/],
    ["REFUSAL_REASON_PROTOCOL", { host: "" }, /host/],
    [
      "REFUSAL_REASON_PROTOCOL",
      { resume: { slot: 99, incarnation: 1, firstKeptSequence: 0 } },
      /slot 99/,
    ],
  ];
  test.each(hellos)("with %s for what hello says (%o)", async (reason, change, message) => {
    await using harness = await Harness.open();
    const actor = harness.open();
    actor.say({ $case: "hello", value: helloOf(change) });
    const refusal = await actor.refusal();
    expect(refusal.reason).toBe(Reason[reason]);
    expect(refusal.message).toMatch(message);
    // Whoever comes next is none the worse for it.
    await harness.join();
  });

  test("when every slot is taken", async () => {
    await using harness = await Harness.open({ limits: { maxActors: 1 } });
    await harness.join({ index: 0 });
    const actor = harness.open();
    actor.say({ $case: "hello", value: helloOf({ index: 1 }) });
    expect((await actor.refusal()).reason).toBe(Reason.REFUSAL_REASON_FULL);
  });

  test("for a frame before hello, beyond the next, or beyond the send limit", async () => {
    await using harness = await Harness.open();
    const rude = harness.open();
    rude.send(frameOf(0));
    expect((await rude.refusal()).message).toBe("frame before hello");
    const { actor: gap } = await harness.join({ index: 1 });
    gap.send(frameOf(0), frameOf(2));
    expect((await gap.refusal()).message).toBe("frame 2, but 1 is wanted");
    const { actor: greedy, welcome } = await harness.join({ index: 2 });
    for (let i = 0; i <= welcome.sendLimit; i++) greedy.send(frameOf(i));
    const refusal = await greedy.refusal();
    expect(refusal.reason).toBe(Reason.REFUSAL_REASON_PROTOCOL);
    expect(refusal.message).toMatch(/the send limit is/);
  });

  test("for silence, but not while it says something", async () => {
    await using harness = await Harness.open({ limits: { heartbeatSeconds: 0.3 } });
    const [silent, lively] = [
      await harness.join({ index: 0 }),
      await harness.join({ index: 1 }),
    ].map(({ actor }) => actor);
    const beat = setInterval(
      () =>
        lively?.say({
          $case: "heartbeat",
          value: {
            episodes: [],
            outboxFrames: 0,
            envStepsPerSecond: 1,
            policyVersion: 3,
            envFailures: [],
            droppedUnrolls: 0,
          },
        }),
      50,
    );
    expect((await silent?.refusal())?.reason).toBe(Reason.REFUSAL_REASON_SILENT);
    clearInterval(beat);
    expect(lively?.end).toBeUndefined();
    // The learner's own sign of life.
    expect(lively?.all("acknowledgement").length).toBeGreaterThan(0);
  });

  test("when a later learner has the run folder, and the gateway fails with RUN_LOCKED", async () => {
    await using harness = await Harness.open({ durability: "log" });
    const { actor } = await harness.join();
    writeFileSync(join(harness.setup.folder, "terms", "2.json"), "{}");
    actor.send(frameOf(0));
    expect((await actor.refusal()).reason).toBe(Reason.REFUSAL_REASON_SUPERSEDED);
    await expect(harness.host.finished).rejects.toMatchObject({ code: "RUN_LOCKED" });
    expect(actor.last("acknowledgement")?.durable ?? 0).toBe(0);
  });
});

describe("a frame is refused for good", () => {
  const of = unrollOf;
  const payloads: [keyof typeof FrameReason, Buffer][] = [
    ["FRAME_REFUSAL_REASON_FORMAT", Buffer.from("no msgpack at all")],
    ["FRAME_REFUSAL_REASON_SHAPE", payloadOf(0, { env: 2 })],
    ["FRAME_REFUSAL_REASON_SHAPE", payloadOf(0, { rewards: of(0).rewards.subarray(1) })],
    ["FRAME_REFUSAL_REASON_EARLY_END", payloadOf(0, { terminated: Uint8Array.of(1, 0, 0, 0) })],
    ["FRAME_REFUSAL_REASON_FLAG", payloadOf(0, { truncated: Uint8Array.of(0, 0, 0, 7) })],
    ["FRAME_REFUSAL_REASON_NON_FINITE", payloadOf(Infinity)],
    ["FRAME_REFUSAL_REASON_ACTION_RANGE", payloadOf(0, { actions: of(0).actions.fill(1.5) })],
    ["FRAME_REFUSAL_REASON_OVERSIZE", Buffer.alloc(10_001)],
  ];
  test.each(payloads)("with %s", async (reason, payload) => {
    await using harness = await Harness.open({ limits: { maxPayloadBytes: 10_000 } });
    const { actor } = await harness.join();
    harness.keepTaking();
    actor.send(frameOf(0, payload), frameOf(1));
    const refusal = await actor.wait("frameRefusal");
    expect(refusal).toMatchObject({ sequence: 0, reason: FrameReason[reason], resend: false });
    await actor.wait("acknowledgement", ({ durable }) => durable === 2);
    expect(harness.taken.map(({ sequence }) => sequence)).toEqual([1]);
    expect(actor.end).toBeUndefined();
  });
});

describe("a call is turned away", () => {
  test("when it asks for the run in another protocol", async () => {
    await using harness = await Harness.open();
    const code = await new Promise((resolve) =>
      harness.client.getRun({ protocolVersion: 9 }, (error) => resolve(error?.code)),
    );
    expect(code).toBe(status.FAILED_PRECONDITION);
  });

  test("when its message is no message, and nobody else notices", async () => {
    await using harness = await Harness.open();
    const { actor } = await harness.join();
    const path = "/troupe.v1.ActorService/Session";
    const raw = harness.client.makeBidiStreamRequest<Buffer, Buffer>(
      path,
      (bytes) => bytes,
      (bytes) => bytes,
    );
    const code = new Promise((resolve) =>
      raw.on("error", (error: { code?: status }) => resolve(error.code)),
    );
    raw.write(randomBytes(100).fill(0xff));
    expect(await code).toBe(status.INTERNAL);
    harness.keepTaking();
    actor.send(frameOf(0));
    await actor.wait("acknowledgement", ({ durable }) => durable === 1);
    await poll(() => harness.taken.length === 1, "the frame");
  });
});
