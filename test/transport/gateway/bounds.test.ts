import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { skipBecause } from "../../skip-because.ts";
import { frameOf, Harness, helloOf, poll } from "./harness.ts";

describe("what others can make the gateway hold", () => {
  test("a peer that reads nothing is told the newest acknowledgement, not every one", async () => {
    await using harness = await Harness.open();
    const { actor: slow } = await harness.join({ index: 0 });
    const { actor: lively } = await harness.join({ index: 1 });
    harness.keepTaking();
    slow.send(frameOf(0));
    await slow.wait("acknowledgement", ({ durable }) => durable === 1);
    slow.stream.pause();
    const before = slow.all("acknowledgement").length;
    // Each duplicate wants an answer. The other actor's acknowledgements show how far the gateway is.
    const bulky = Buffer.alloc(64 << 10);
    for (let i = 0; i < 2000; i++) slow.send({ ...frameOf(0, bulky), sequence: 0 });
    for (let i = 0; i < 50; i++) {
      lively.send(frameOf(i));
      await lively.wait("acknowledgement", ({ durable }) => durable === i + 1);
    }
    slow.stream.resume();
    await poll(() => slow.all("acknowledgement").length > before, "an acknowledgement");
    expect(slow.last("acknowledgement")).toMatchObject({ accepted: 1, durable: 1 });
    expect(slow.all("acknowledgement").length - before).toBeLessThan(400);
    expect(slow.end).toBeUndefined();
  }, 90_000); // 128 MB go through a socket.

  test("frames wait for the learner only as far as credits let them", async () => {
    await using harness = await Harness.open({ queueSlots: 1 });
    const { actor, welcome } = await harness.join();
    for (let i = 0; i < welcome.sendLimit; i++) actor.send(frameOf(i));
    await actor.wait("acknowledgement", ({ accepted }) => accepted === welcome.sendLimit);
    expect(actor.last("acknowledgement")?.sendLimit).toBe(welcome.sendLimit);
    harness.take(1);
    await actor.wait("acknowledgement", ({ sendLimit }) => sendLimit === welcome.sendLimit + 1);
  });

  test("a message over 64 MiB ends its call and nobody else's", async () => {
    await using harness = await Harness.open();
    const { actor } = await harness.join({ index: 0 });
    const { actor: other } = await harness.join({ index: 1 });
    actor.send({ sequence: 0, checksum: 0, payload: Buffer.alloc(65 << 20) });
    await poll(() => actor.end !== undefined, "the end of the call");
    expect(actor.end).toMatch(/^8 /);
    harness.keepTaking();
    other.send(frameOf(0));
    await other.wait("acknowledgement", ({ durable }) => durable === 1);
  }, 90_000); // 65 MiB go through a socket.

  test("a flood of refusals is not a flood of log lines", async () => {
    await using harness = await Harness.open();
    for (let i = 0; i < 100; i++) {
      const actor = harness.open();
      actor.say({ $case: "hello", value: helloOf({ envId: "wrong" }) });
      await actor.refusal();
    }
    const seconds = 1 + harness.events.filter(({ type }) => type === "metrics").length / 2;
    expect(harness.logLines.length).toBeLessThan(25 * (seconds + 1));
  });

  test("episodes that heartbeats tell of are passed on", async () => {
    await using harness = await Harness.open();
    const { actor } = await harness.join();
    const end = { episodeReturn: 12, episodeLength: 5, outcome: 1, reason: "" } as const;
    const nonsense = { ...end, episodeReturn: NaN };
    actor.say({
      $case: "heartbeat",
      value: {
        episodes: [end, nonsense],
        outboxFrames: 3,
        envStepsPerSecond: 100,
        policyVersion: 9,
        envFailures: ['{"format":1}', "one at a time"],
        droppedUnrolls: 0,
      },
    });
    await poll(() => harness.events.some(({ type }) => type === "episode"), "an episode");
    expect(harness.events.filter(({ type }) => type === "env-failure")).toEqual([
      { type: "env-failure", failure: '{"format":1}' },
    ]);
    expect(harness.events.filter(({ type }) => type === "episode")).toEqual([
      { type: "episode", slot: 0, end },
    ]);
  });
});

describe("a disk that is full", () => {
  test("stops credit, is said, and things go on when there is room again", async (context) => {
    const disk = mkdtempSync(join(tmpdir(), "full-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      rmSync(disk, { recursive: true });
      skipBecause("a small file system cannot be mounted here (needs root)", context);
    }
    try {
      const folder = join(disk, "run");
      mkdirSync(folder);
      await using harness = await Harness.open({ durability: "log", folder });
      const { actor, welcome } = await harness.join();
      harness.keepTaking();
      const ballast = join(disk, "ballast");
      try {
        writeFileSync(ballast, Buffer.alloc(2 << 20));
      } catch {
        // That is the point.
      }
      let next = 0;
      const sendAll = (): void => {
        const limit = actor.last("acknowledgement")?.sendLimit ?? welcome.sendLimit;
        for (; next < limit; next++) actor.send(frameOf(next));
      };
      const troubled = (): boolean => harness.logLines.some((line) => /ENOSPC/.test(line));
      // The learner says that it lives, and grants nothing.
      const limit = await poll(() => {
        sendAll();
        const last = actor.last("acknowledgement");
        return troubled() && last?.accepted === last?.sendLimit && last?.sendLimit;
      }, "the trouble, and the end of credit");
      expect(actor.last("acknowledgement")?.durable).toBeLessThan(limit);
      rmSync(ballast);
      await actor.wait(
        "acknowledgement",
        ({ durable, sendLimit }) => durable === limit && sendLimit > limit,
      );
      await poll(() => harness.logLines.some((line) => /again/.test(line)), "the good news");
      expect(actor.end).toBeUndefined();
    } finally {
      execFileSync("umount", ["-l", disk]);
      rmSync(disk, { recursive: true });
    }
  }, 90_000); // The disk is tried again at growing pauses.
});
