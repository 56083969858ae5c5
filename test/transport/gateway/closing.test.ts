import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { GatewayHost } from "../../../src/transport/gateway/gateway-host.ts";
import { NoticeKind } from "../../../src/transport/generated/troupe/v1/actor.ts";
import { frameOf, Harness, type HarnessOptions, poll, setupOf } from "./harness.ts";

describe("a gateway that closes", () => {
  test.each([
    ["finished", NoticeKind.NOTICE_KIND_FINISHED],
    ["draining", NoticeKind.NOTICE_KIND_DRAINING],
  ] as const)(
    "says that it is %s, acknowledges what is durable, and ends the calls",
    async (kind, notice) => {
      await using harness = await Harness.open({ durability: "log" });
      const { actor } = await harness.join();
      actor.send(frameOf(0), frameOf(1));
      harness.keepTaking();
      await poll(() => harness.taken.length === 2, "both frames");
      await harness.host.close({ kind, message: "so long", graceMs: 20_000 });
      expect(actor.last("notice")).toEqual({ kind: notice, message: "so long" });
      expect(actor.last("acknowledgement")).toMatchObject({ accepted: 2, durable: 2 });
      await poll(() => actor.end === "end", "the end of the call");
      await harness.host.finished;
    },
  );

  test("does not wait longer than it was told to for one that reads nothing", async () => {
    await using harness = await Harness.open();
    const { actor } = await harness.join();
    actor.stream.pause();
    const began = performance.now();
    await harness.host.close({ kind: "draining", message: "", graceMs: 300 });
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("hands what the learner did not take to the next one, and its actors go on", async () => {
    const options: HarnessOptions = { durability: "log" };
    const instance = randomBytes(16);
    const first = await Harness.open(options);
    const { actor } = await first.join({ instance });
    actor.send(frameOf(0), frameOf(1));
    await actor.wait("acknowledgement", ({ durable }) => durable === 2);
    await poll(() => first.take(1) === 1, "the first frame");
    const { folder } = first.setup;
    await first.host.close({ kind: "draining", message: "", graceMs: 500 });
    first.client.close();
    // The learner comes back from a checkpoint that holds the first frame.
    await using second = await Harness.open({ ...options, folder, cut: 1 });
    second.keepTaking();
    const resume = { slot: 0, incarnation: 1, firstKeptSequence: 2 };
    const back = await second.join({ instance, resume });
    expect(back.welcome).toMatchObject({ nextSequence: 2, durable: 2, incarnation: 1 });
    back.actor.send(frameOf(2));
    await back.actor.wait("acknowledgement", ({ durable }) => durable === 3);
    await poll(() => second.taken.length === 2, "two frames");
    expect(second.taken.map(({ seed }) => seed)).toEqual([1, 2]);
  });
});

describe("a gateway in memory", () => {
  test("goes on from a checkpoint's cursors, which know no names", async () => {
    const cursor = { slot: 3, incarnation: 2, next: 7 };
    const cursors = [{ ...cursor, host: "", index: 0, instance: "", refused: [] }];
    await using harness = await Harness.open({ cursors });
    const resume = { slot: 3, incarnation: 2, firstKeptSequence: 5 };
    const { welcome } = await harness.join({ resume, index: 4 });
    expect(welcome).toMatchObject({ slot: 3, incarnation: 2, nextSequence: 7 });
  });

  test("takes an actor back whom it has forgotten", async () => {
    await using harness = await Harness.open();
    const resume = { slot: 2, incarnation: 4, firstKeptSequence: 9 };
    const { welcome } = await harness.join({ resume });
    expect(welcome).toMatchObject({ slot: 2, incarnation: 4, nextSequence: 9 });
  });

  test("gives a forgotten actor another slot when its own was given away", async () => {
    await using harness = await Harness.open();
    await harness.join({ host: "newcomer" });
    const resume = { slot: 0, incarnation: 1, firstKeptSequence: 9 };
    const { welcome } = await harness.join({ host: "old", resume });
    expect(welcome).toMatchObject({ slot: 1, incarnation: 1, nextSequence: 0 });
  });
});

describe("opening", () => {
  test("a port that is in use is named", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await poll(() => blocker.listening, "the port");
    const { port } = blocker.address() as { port: number };
    const setup = setupOf({ setup: { listen: [{ host: "127.0.0.1", port, tls: undefined }] } });
    await expect(GatewayHost.open(setup, () => undefined)).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    blocker.close();
  });
});
