import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import { MetricsRegistry } from "../../../src/metrics/registry.ts";
import {
  EpisodeOutcome,
  type GetRunResponse,
} from "../../../src/transport/generated/troupe/v1/actor.ts";
import { allocateInProcess, InProcessActorLink } from "../../../src/transport/in-process.ts";
import { PolicyBoard } from "../../../src/transport/policy-board.ts";
import { LearnerChannel } from "../../../src/transport/uplink/channel.ts";
import { DEFAULT_OUTBOX, type OutboxLimits } from "../../../src/transport/uplink/outbox.ts";
import { Uplink } from "../../../src/transport/uplink/uplink.ts";
import { ChaosProxy } from "../../chaos/proxy.ts";
import { Harness, type HarnessOptions, poll, run, shape, unrollOf } from "../gateway/harness.ts";
import { soon } from "./soon.ts";

const RUN: GetRunResponse = { ...run, envsPerActor: 1 };

async function openLearner(context: TestContext, options: HarnessOptions = {}): Promise<Harness> {
  const learner = await Harness.open({ ...options, run: { envsPerActor: 1, ...options.run } });
  context.onTestFinished(() => learner[Symbol.asyncDispose]());
  return learner;
}

interface TestUplinkOptions {
  readonly actors?: number;
  readonly outbox?: Partial<OutboxLimits>;
  readonly hostId?: string;
  readonly instance?: number;
  readonly journal?: string;
}

/** An actor host without threads: the test puts unrolls into the mailboxes. */
class TestUplink {
  readonly uplink: Uplink;
  readonly board: PolicyBoard;
  readonly logs: string[] = [];
  readonly joined: string[] = [];
  readonly registry = new MetricsRegistry(["actors"]);
  readonly #links: readonly InProcessActorLink[];
  readonly #channel: LearnerChannel;

  constructor(context: TestContext, address: string, options: TestUplinkOptions = {}) {
    const { actors = 1, outbox, hostId = "host", instance = 1, journal } = options;
    const memory = allocateInProcess({
      ...{ actors, shape, parameterCount: RUN.parameterCount },
      ...{ slotsPerActor: 2, snapshotBytes: 0 },
    });
    this.#links = memory.mailboxes.map((_, index) => new InProcessActorLink(memory, index));
    this.#channel = new LearnerChannel(address, undefined);
    this.board = new PolicyBoard(memory.board);
    this.uplink = new Uplink({
      ...{ channel: this.#channel, run: RUN, shape, memory, hostId, journal },
      instance: Buffer.alloc(16, instance),
      outbox: { ...DEFAULT_OUTBOX, ...outbox },
      ...{ policyIntervalMs: 0, giveUpAfterMs: Infinity },
      random: () => 0.5,
      recorder: this.registry.recorder,
      observer: {
        onJoined: (mailbox, { slot, incarnation }) =>
          this.joined.push(`${mailbox}: ${slot}/${incarnation}`),
        onLog: (_, message) => this.logs.push(message),
      },
    });
    this.uplink.start();
    context.onTestFinished(() => this.dispose());
  }

  async dispose(): Promise<void> {
    await this.uplink[Symbol.asyncDispose]();
    this.#channel[Symbol.dispose]();
  }

  /** Whether there was room. */
  offer(actor: number, seed: number): boolean {
    const frame = { incarnation: 0, sequence: 0, endsTurn: true, snapshot: new Uint8Array(0) };
    return this.#links[actor]!.offer({ ...frame, unroll: unrollOf(seed) });
  }

  /** Makes unrolls with these seeds, each as soon as there is room. */
  async act(actor: number, seeds: Iterable<number>): Promise<void> {
    for (const seed of seeds) while (!this.offer(actor, seed)) await sleep(1);
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "uplink-"));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const journalOf = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Connections break as often as they are made, on a machine that is busy with other tests. */
const SLOW = { timeout: 90_000 };

describe("Uplink", () => {
  test("brings every unroll of every actor to the learner, once and in order", async (context) => {
    const learner = await openLearner(context, { durability: "log" });
    learner.keepTaking();
    const journal = join(scratch(context), "journal");
    const host = new TestUplink(context, learner.address, { actors: 3, journal });
    await Promise.all(
      [0, 1, 2].map((actor) => host.act(actor, range(1000 * actor, 1000 * actor + 60))),
    );
    expect(await host.uplink.flush(20_000)).toBe(0);
    await soon(() => expect(learner.taken).toHaveLength(180));
    expect(host.joined.toSorted()).toEqual(["0: 0/1", "1: 1/1", "2: 2/1"]);
    for (const slot of [0, 1, 2]) {
      const mine = learner.taken.filter((frame) => frame.slot === slot);
      expect(mine.map(({ seed }) => seed)).toEqual(range(1000 * slot, 1000 * slot + 60));
      expect(mine.map(({ sequence }) => sequence)).toEqual(range(0, 60));
    }
    const lines = journalOf(journal).map(({ slot, incarnation, sequence, steps }) => [
      slot,
      incarnation,
      sequence,
      steps,
    ]);
    const sent = learner.taken.map(({ slot, incarnation, sequence }) => [
      slot,
      incarnation,
      sequence,
      4,
    ]);
    expect(lines.toSorted()).toEqual(sent.toSorted());
    expect(host.uplink.status).toMatchObject({
      connected: true,
      envSteps: 720,
      durableUnrolls: 180,
    });
  });

  test("makes actors wait while the learner takes nothing, and goes on when it does", async (context) => {
    const learner = await openLearner(context, { queueSlots: 2 });
    const host = new TestUplink(context, learner.address);
    let made = 0;
    for (let full = 0; full < 30; await sleep(2)) {
      if (host.offer(0, made)) made += 1;
      else full += 1;
    }
    // Two in the mailbox, four in the outbox, two on the way and those in the queue: none grows.
    expect(made).toBeLessThanOrEqual(2 + DEFAULT_OUTBOX.maxFrames + 2 + 2);
    learner.keepTaking();
    await host.act(0, range(made, 40));
    expect(await host.uplink.flush(20_000)).toBe(0);
    expect(learner.taken.map(({ seed }) => seed)).toEqual(range(0, 40));
  });

  test("drops the oldest if it is told to, counts them, and leaves no gap", async (context) => {
    const learner = await openLearner(context, { queueSlots: 1 });
    const host = new TestUplink(context, learner.address, {
      outbox: { policy: "drop-oldest", maxFrames: 3 },
    });
    await host.act(0, range(0, 50));
    await soon(() => expect(host.uplink.status.droppedUnrolls).toBeGreaterThan(30));
    learner.keepTaking();
    expect(await host.uplink.flush(20_000)).toBe(0);
    const { droppedUnrolls, durableUnrolls } = host.uplink.status;
    expect(droppedUnrolls + durableUnrolls).toBe(50);
    expect(learner.taken.map(({ sequence }) => sequence)).toEqual(range(0, durableUnrolls));
    expect(learner.taken.slice(-3).map(({ seed }) => seed)).toEqual([47, 48, 49]);
    await host.dispose();
    expect(host.registry.value("troupe_trajectory_dropped_total")).toBe(droppedUnrolls);
  });

  test("goes on with a learner that was restarted on its log, and nothing counts twice", async (context) => {
    const folder = scratch(context);
    const first = await openLearner(context, { durability: "log", folder });
    first.keepTaking();
    const { port } = new URL(`http://${first.address}`);
    const host = new TestUplink(context, first.address, { actors: 2 });
    const acting = Promise.all(
      [0, 1].map((actor) => host.act(actor, range(1000 * actor, 1000 * actor + 80))),
    );
    await soon(() => expect(first.taken.length).toBeGreaterThan(40));
    await first.host[Symbol.asyncDispose]();
    // Nothing of the log is in replay: the second learner is given all of it, then what is new.
    const second = await openLearner(context, {
      ...{ durability: "log", folder, cut: 0, run: { term: 2 } },
      setup: { listen: [{ host: "127.0.0.1", port: Number(port), tls: undefined }] },
    });
    second.keepTaking();
    await acting;
    expect(await host.uplink.flush(20_000)).toBe(0);
    await soon(() => expect(second.taken).toHaveLength(160));
    for (const slot of [0, 1]) {
      const mine = second.taken.filter((frame) => frame.slot === slot);
      expect(mine.map(({ sequence }) => sequence)).toEqual(range(0, 80));
      expect(new Set(mine.map(({ seed }) => seed % 1000))).toEqual(new Set(range(0, 80)));
    }
    expect(host.logs).toContainEqual(expect.stringMatching(/connected .* again after .* term 2/));
  });

  test(
    "loses and doubles nothing over connections that break all the time",
    SLOW,
    async (context) => {
      const learner = await openLearner(context, { durability: "log" });
      learner.keepTaking();
      const target = Number(learner.address.split(":")[1]);
      const proxy = await ChaosProxy.listen({
        target: { host: "127.0.0.1", port: target },
        seed: 1,
      });
      context.onTestFinished(() => proxy[Symbol.asyncDispose]());
      const host = new TestUplink(context, `127.0.0.1:${proxy.port}`, { actors: 2 });
      const acting = Promise.all(
        [0, 1].map((actor) => host.act(actor, range(1000 * actor, 1000 * actor + 80))),
      );
      for (let i = 0; i < 4; i++) {
        await soon(() => expect(host.uplink.status.connected).toBe(true));
        proxy.cut();
        await soon(() => expect(host.uplink.status.connected).toBe(false));
      }
      await acting;
      expect(await host.uplink.flush(20_000)).toBe(0);
      await soon(() => expect(learner.taken).toHaveLength(160));
      for (const slot of [0, 1]) {
        const mine = learner.taken.filter((frame) => frame.slot === slot);
        expect(mine.map(({ sequence }) => sequence)).toEqual(range(0, 80));
      }
      expect(host.registry.value("troupe_session_reconnects_total")).toBeGreaterThan(1);
    },
  );

  test("hears the newest policy, and tells of episodes and of itself", async (context) => {
    const learner = await openLearner(context, { limits: { heartbeatSeconds: 0.1 } });
    const host = new TestUplink(context, learner.address);
    await soon(() => expect(host.uplink.status.connected).toBe(true));
    new PolicyBoard(learner.setup.board).publish({
      ...{ version: 17, turn: 0 },
      parameters: new Float32Array(RUN.parameterCount).fill(0.5),
      normalizer: new Float32Array(2 * shape.observationSize).fill(2),
    });
    await soon(() => expect(host.uplink.status.policyVersion).toBe(17));
    expect(host.board.published).toBe(1);
    const end = { episodeReturn: -3, episodeLength: 20, reason: "" };
    host.uplink.episode(0, { ...end, outcome: EpisodeOutcome.EPISODE_OUTCOME_TERMINATED });
    await soon(() =>
      expect(learner.events).toContainEqual(
        expect.objectContaining({ type: "episode", slot: 0, end: expect.objectContaining(end) }),
      ),
    );
  });

  test("ends when a later process has its name", async (context) => {
    const learner = await openLearner(context);
    const zombie = new TestUplink(context, learner.address, { instance: 1 });
    await soon(() => expect(zombie.joined).toEqual(["0: 0/1"]));
    const later = new TestUplink(context, learner.address, { instance: 2 });
    await expect(zombie.uplink.finished).rejects.toMatchObject({ code: "ACTOR_FENCED" });
    expect(later.joined).toEqual(["0: 0/2"]);
  });

  test("says goodbye and leaves nothing behind", async (context) => {
    const learner = await openLearner(context);
    learner.keepTaking();
    const before = process.getActiveResourcesInfo().length;
    const host = new TestUplink(context, learner.address, { actors: 2 });
    await host.act(1, range(0, 3));
    expect(await host.uplink.flush(20_000)).toBe(0);
    const start = performance.now();
    await host.uplink.leave("enough", 20_000);
    expect(performance.now() - start).toBeLessThan(10_000);
    await host.dispose();
    expect(learner.logLines.filter((line) => line.includes("left: enough"))).toHaveLength(2);
    await poll(
      () => process.getActiveResourcesInfo().length <= before,
      () => `sockets and timers to go: ${process.getActiveResourcesInfo()}`,
    );
  });
});
