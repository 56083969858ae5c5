import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, type TestContext, test, vi } from "vitest";
import {
  type EpisodeEnd,
  FrameRefusalReason,
  NoticeKind,
  RefusalReason,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { wireShape } from "../../../src/transport/on-policy-run.ts";
import { LearnerChannel } from "../../../src/transport/uplink/channel.ts";
import { DEFAULT_OUTBOX, Outbox } from "../../../src/transport/uplink/outbox.ts";
import { SessionClient } from "../../../src/transport/uplink/session-client.ts";
import { freePort } from "../../free-port.ts";
import { shape } from "../unrolls.ts";
import { ScriptedLearner } from "./scripted-learner.ts";
import { soon } from "./soon.ts";

/** A way to `target` whose first connection goes dead when it is told to, without a word to either side. */
async function openDeadEnd(context: TestContext, target: number) {
  const sockets: Socket[] = [];
  let die: (() => void) | undefined;
  const server = createServer((near) => {
    const isFirst = sockets.length === 0;
    const far = connect(target, "127.0.0.1");
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.pipe(far);
    far.pipe(near);
    if (!isFirst) return;
    die = () => {
      near.unpipe(far).resume();
      far.unpipe(near).resume();
    };
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, die: () => die?.() };
}

/** What a session's observer heard. */
interface Heard {
  readonly settled: string[];
  readonly refused: string[];
  readonly lost: string[];
  readonly notices: string[];
  opened: number;
}

function clientOf(context: TestContext, address: string, giveUpAfterMs = Infinity) {
  const channel = new LearnerChannel(address, undefined);
  const outbox = new Outbox({ ...DEFAULT_OUTBOX, maxFrames: 100 });
  const heard: Heard = { settled: [], refused: [], lost: [], notices: [], opened: 0 };
  let made = 0;
  const session = new SessionClient({
    channel,
    outbox,
    giveUpAfterMs,
    random: () => 0.5,
    hello: {
      ...{ protocolVersion: 1, runId: "run", host: "h", index: 0, envId: "PointMass-v0" },
      shape: wireShape(shape),
      instance: Buffer.alloc(16, 7),
    },
    observer: {
      onOpen: () => {
        heard.opened += 1;
      },
      onLost: (message) => heard.lost.push(message),
      onSettled: (frames, { slot, incarnation }) => {
        for (const { sequence } of frames) {
          heard.settled.push(`${slot}/${incarnation}/${sequence}`);
        }
      },
      onRefused: ({ sequence }, { message }) => heard.refused.push(`${sequence}: ${message}`),
      onNotice: ({ message }) => heard.notices.push(message),
      onRoom: () => undefined,
      heartbeat: () => ({
        episodes: [] as EpisodeEnd[],
        outboxFrames: outbox.length,
        envStepsPerSecond: 5,
        policyVersion: -1,
        envFailures: [],
        droppedUnrolls: 0,
      }),
      onCallEnd: () => undefined,
    },
  });
  context.onTestFinished(() => {
    session.cancel();
    channel[Symbol.dispose]();
  });
  const push = (count: number): void => {
    for (let i = 0; i < count; i++) {
      outbox.push({ payload: Buffer.from([made]), checksum: made, steps: 1 });
      made += 1;
    }
    session.pump();
  };
  const finished = session.run();
  finished.catch(() => undefined);
  return { session, outbox, heard, push, finished };
}

describe("SessionClient", () => {
  test("introduces itself and sends no more than it may", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { push, heard } = clientOf(context, learner.address);
    push(4);
    const session = await learner.session();
    expect(await session.hello()).toMatchObject({ host: "h", index: 0, resume: undefined });
    session.welcome({ sendLimit: 2 });
    expect(await session.sequences(2)).toEqual([0, 1]);
    await session.heartbeat();
    expect(session.pendingFrames).toBe(0);
    session.acknowledge(1, 3);
    expect(await session.sequences(1)).toEqual([2]);
    await soon(() => expect(heard.settled).toEqual(["3/1/0"]));
  });

  test("comes back, tells what it still has, and goes on where the learner wants", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { push, heard } = clientOf(context, learner.address);
    push(5);
    const before = await learner.session();
    before.welcome();
    await before.sequences(5);
    before.acknowledge(2);
    await soon(() => expect(heard.settled).toHaveLength(2));
    const brokenAt = performance.now();
    before.breakOff();
    const after = await learner.session();
    expect(performance.now() - brokenAt).toBeLessThan(1000);
    expect((await after.hello()).resume).toEqual({ slot: 3, incarnation: 1, firstKeptSequence: 2 });
    after.welcome({ nextSequence: 4, durable: 3 });
    push(1);
    expect(await after.sequences(2)).toEqual([4, 5]);
    expect(heard.settled).toEqual(["3/1/0", "3/1/1", "3/1/2"]);
    expect(heard.opened).toBe(2);
  });

  test("drops what is refused, also by word of a later welcome, and goes on", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { push, heard } = clientOf(context, learner.address);
    push(4);
    const before = await learner.session();
    before.welcome();
    await before.sequences(4);
    const refusal = {
      reason: FrameRefusalReason.FRAME_REFUSAL_REASON_NON_FINITE,
      message: "a NaN",
      resend: false,
    };
    before.say({ $case: "frameRefusal", value: { ...refusal, sequence: 0 } });
    before.acknowledge(2);
    await soon(() => expect(heard.settled).toEqual(["3/1/1"]));
    before.breakOff();
    const after = await learner.session();
    after.welcome({ nextSequence: 4, durable: 4, refused: [{ ...refusal, sequence: 2 }] });
    await soon(() => expect(heard.settled).toEqual(["3/1/1", "3/1/3"]));
    expect(heard.refused).toEqual(["0: a NaN", "2: a NaN"]);
    push(1);
    expect(await after.sequences(1)).toEqual([4]);
  });

  test("sends again what arrived damaged, and all after it", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { push } = clientOf(context, learner.address);
    push(3);
    const session = await learner.session();
    session.welcome();
    await session.sequences(3);
    const reason = FrameRefusalReason.FRAME_REFUSAL_REASON_CHECKSUM;
    const value = { sequence: 1, reason, message: "", resend: true };
    session.say({ $case: "frameRefusal", value });
    expect(await session.sequences(2)).toEqual([1, 2]);
  });

  test("goes on with a learner that was restarted, at the same address", async (context) => {
    const learner = await ScriptedLearner.open(context, {}, await freePort());
    const { push, heard } = clientOf(context, learner.address);
    push(3);
    const before = await learner.session();
    before.welcome();
    await before.sequences(3);
    learner.close();
    await soon(() => expect(heard.lost.length).toBeGreaterThan(1));
    const backAt = performance.now();
    const restarted = await ScriptedLearner.open(context, {}, learner.port);
    const after = await restarted.session();
    expect(performance.now() - backAt).toBeLessThan(1000);
    expect((await after.hello()).resume?.firstKeptSequence).toBe(0);
    // What was under way to the one before never reached its disk.
    after.welcome({ term: 2, nextSequence: 1, durable: 1 });
    expect(await after.sequences(2)).toEqual([1, 2]);
    await soon(() => expect(heard.settled).toEqual(["3/1/0"]));
  });

  test("numbers its frames anew for a learner that does not know it", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { push, heard, session } = clientOf(context, learner.address);
    push(3);
    const before = await learner.session();
    before.welcome();
    await before.sequences(3);
    before.acknowledge(1);
    await soon(() => expect(heard.settled).toHaveLength(1));
    before.breakOff();
    const after = await learner.session();
    after.welcome({ term: 2, slot: 0, incarnation: 1 });
    expect(await after.sequences(2)).toEqual([0, 1]);
    expect(session.identity).toEqual({ slot: 0, incarnation: 1 });
  });

  test("says goodbye after a last heartbeat, hears the last acknowledgement, and ends", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { push, heard, session, finished } = clientOf(context, learner.address);
    push(1);
    const scripted = await learner.session();
    scripted.welcome({ heartbeatSeconds: 60 });
    await scripted.sequences(1);
    session.leave("done");
    expect(await scripted.heartbeat()).toMatchObject({ outboxFrames: 1, envStepsPerSecond: 5 });
    expect(await scripted.goodbye()).toEqual({ reason: "done" });
    await scripted.over();
    scripted.acknowledge(1);
    scripted.end();
    await finished;
    expect(heard.settled).toEqual(["3/1/0"]);
    expect(heard.lost).toEqual([]);
  });

  test("ends when the run is finished", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { heard, finished } = clientOf(context, learner.address);
    const session = await learner.session();
    session.welcome();
    const kind = NoticeKind.NOTICE_KIND_FINISHED;
    session.say({ $case: "notice", value: { kind, message: "complete" } });
    session.end();
    await finished;
    expect(heard.notices).toEqual(["complete"]);
  });

  test("takes a silent learner for gone and one that speaks for alive", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { heard } = clientOf(context, learner.address);
    const session = await learner.session();
    session.welcome({ heartbeatSeconds: 0.3 });
    for (let i = 0; i < 6; i++) {
      await session.heartbeat();
      session.acknowledge(0);
    }
    expect(heard.lost).toEqual([]);
    await session.over();
    await soon(() => expect(heard.lost).toEqual([expect.stringContaining("silent")]));
  });

  test("breaks off when nobody answers its Hello within its time", async (context) => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const learner = await ScriptedLearner.open(context);
    const { heard } = clientOf(context, learner.address);
    const session = await learner.session();
    await session.hello();
    vi.advanceTimersByTime(20_000);
    vi.useRealTimers();
    await session.over();
    await soon(() => expect(heard.lost).toEqual([expect.stringContaining("not answered")]));
  });

  test("comes back over a new connection when the old one is dead and nobody says so", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { port, die } = await openDeadEnd(context, learner.port);
    const { push, heard } = clientOf(context, `127.0.0.1:${port}`);
    push(2);
    const before = await learner.session();
    before.welcome();
    await before.sequences(2);
    before.acknowledge(1);
    await soon(() => expect(heard.settled).toHaveLength(1));
    // From now on the first connection swallows everything, both ways.
    die();
    push(1);
    const start = performance.now();
    const after = await learner.session();
    expect(performance.now() - start).toBeLessThan(5_000);
    after.welcome({ nextSequence: 1, durable: 1 });
    expect(await after.sequences(2)).toEqual([1, 2]);
    expect(heard.lost).toEqual([expect.stringContaining("silent")]);
  });

  test.for([
    ["PROTOCOL_VERSION", "LEARNER_REFUSED"],
    ["RUN", "LEARNER_REFUSED"],
    ["ENV", "LEARNER_REFUSED"],
    ["SHAPE", "LEARNER_REFUSED"],
    ["FENCED", "ACTOR_FENCED"],
  ] as const)("ends with %s as %s", async ([reason, code], context) => {
    const learner = await ScriptedLearner.open(context);
    const { finished } = clientOf(context, learner.address);
    const session = await learner.session();
    const value = { reason: RefusalReason[`REFUSAL_REASON_${reason}`], message: "17 is not 18" };
    session.say({ $case: "refusal", value });
    session.end();
    await expect(finished).rejects.toMatchObject({
      code,
      message: expect.stringContaining("17 is not 18"),
    });
  });

  // Without room it waits for two seconds.
  test("asks again when there is no room, but not at once", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { heard } = clientOf(context, learner.address);
    const first = await learner.session();
    const value = { reason: RefusalReason.REFUSAL_REASON_FULL, message: "no room" };
    const start = performance.now();
    first.say({ $case: "refusal", value });
    first.end();
    const second = await learner.session();
    expect(performance.now() - start).toBeGreaterThan(1_900);
    second.welcome();
    await soon(() => expect(heard.opened).toBe(1));
    expect(heard.lost).toEqual([expect.stringContaining("no room")]);
  });

  test("asks again after a protocol error, but not for ever", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { finished } = clientOf(context, learner.address);
    const value = { reason: RefusalReason.REFUSAL_REASON_PROTOCOL, message: "a gap" };
    for (let i = 0; i < 10; i++) {
      const session = await learner.session();
      // A session that opens makes the next pause short.
      session.welcome();
      session.say({ $case: "refusal", value });
      session.end();
    }
    await expect(finished).rejects.toMatchObject({ code: "LEARNER_REFUSED" });
  });

  test("gives up a learner that stays away, and says why it could not be reached", async (context) => {
    const learner = await ScriptedLearner.open(context);
    learner.close();
    const { finished } = clientOf(context, learner.address, 300);
    await expect(finished).rejects.toMatchObject({
      code: "LEARNER_LOST",
      message: expect.stringContaining("nobody listens"),
    });
  });

  test("holds back when the stream takes no more, and loses nothing", async (context) => {
    const learner = await ScriptedLearner.open(context);
    const { outbox, session, heard } = clientOf(context, learner.address);
    const scripted = await learner.session();
    scripted.welcome({ sendLimit: 100_000, heartbeatSeconds: 60 });
    await soon(() => expect(heard.opened).toBe(1));
    scripted.pause();
    const payload = new Uint8Array(64 << 10);
    let count = 0;
    // Until the outbox is full, too: nothing drains any more.
    for (let full = 0; full < 20; ) {
      if (outbox.push({ payload, checksum: 0, steps: 1 })) count += 1;
      else full += 1;
      session.pump();
      await sleep(1);
    }
    // 100 wait, 16 are in the stream, some MB in sockets; without holding back it would be the 64 MiB.
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThan(400);
    scripted.resume();
    expect(await scripted.sequences(count)).toEqual(Array.from({ length: count }, (_, i) => i));
  });
});
