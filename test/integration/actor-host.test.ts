import { describe, expect, type TestContext, test, vi } from "vitest";
import { MetricsRegistry } from "../../dist/metrics/registry.js";
import {
  ActorHost,
  type ActorHostEvent,
  type ActorHostOptions,
} from "../../dist/run/actor-host.js";
import { parseConfig } from "../../src/config/parse.ts";
import { openEnv } from "../../src/envs/registry.ts";
import { algorithmOf } from "../../src/learner/assemble.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { MetricsRegistry as LearnerMetrics } from "../../src/metrics/registry.ts";
import type { GetRunResponse } from "../../src/transport/generated/troupe/v1/actor.ts";
import { PolicyBoard } from "../../src/transport/policy-board.ts";
import { Harness } from "../transport/gateway/harness.ts";
import { writeFaultyTask } from "./faulty-task.ts";
import { scratchFolder } from "./train-process.ts";

// Each starts threads that load an inference library: a second on an idle machine, several on a busy one.
const TIMEOUT = { timeout: 120_000 };
/** Polls are bounded by the test's own time. */
const SOON = { timeout: 60_000 };

/** What a learner would say of a run of this environment. */
async function runOf(envId: string): Promise<Partial<GetRunResponse> & { parameterCount: number }> {
  const config = parseConfig({ env: { id: envId }, algorithm: { hidden: [8] } });
  const { observationSpace, actionSpace } = await openEnv(envId);
  const observationSize = observationSpace.size;
  const algorithm = algorithmOf({ config, observationSize, actionSpace });
  const group = algorithm.groups.find(({ name }) => name === algorithm.policy.group);
  const sizes = group?.parameters.map(({ shape }) => shape.reduce((a, b) => a * b, 1)) ?? [];
  return {
    envId,
    shape: {
      observationSize,
      actionSize: actionSpace.kind === "box" ? actionSpace.size : 1,
      unrollLength: 8,
      frameStack: 0,
    },
    envsPerActor: 1,
    normalizesObservations: false,
    parameterCount: sizes.reduce((a, b) => a + b, 0),
    policyProgram: Buffer.from(compilePolicy(algorithm, 1)),
  };
}

async function openLearner(context: TestContext, run: Partial<GetRunResponse>): Promise<Harness> {
  const learner = await Harness.open({
    ...{ durability: "log", queueSlots: 64, run },
    limits: { heartbeatSeconds: 0.2 },
  });
  context.onTestFinished(() => learner[Symbol.asyncDispose]());
  return learner;
}

/** Unrolls the learner has accepted, by its own metrics. */
function acceptedBy(learner: Harness): number {
  const metrics = new LearnerMetrics();
  for (const event of learner.events) if (event.type === "metrics") metrics.apply(event.update);
  return metrics.value("troupe_trajectory_received_total");
}

function openHost(context: TestContext, learner: string, more: Partial<ActorHostOptions> = {}) {
  const events: ActorHostEvent[] = [];
  const registry = new MetricsRegistry(["actors"]);
  const host = new ActorHost({
    ...{ learner, tls: undefined, workers: 2, hostId: "here" },
    instance: Buffer.alloc(16, 1),
    registry,
    onEvent: (event) => events.push(event),
    ...more,
  });
  context.onTestFinished(() => host[Symbol.asyncDispose]());
  const stop = new AbortController();
  const ended = host.run(stop.signal);
  ended.catch(() => undefined);
  return { host, events, registry, stop, ended };
}

describe("an actor host", () => {
  test("acts with the learner's policies until the run is finished", TIMEOUT, async (context) => {
    const run = await runOf("PointMass-v0");
    const learner = await openLearner(context, run);
    const versions = new Set<number>();
    const taking = setInterval(() => {
      for (let frame = learner.queue.peek(); frame; frame = learner.queue.peek()) {
        for (const version of frame.unroll.policyVersions) versions.add(version);
        learner.queue.release();
      }
    }, 1);
    context.onTestFinished(() => clearInterval(taking));
    const { host, events, registry, ended } = openHost(context, learner.address);
    await vi.waitFor(() => expect(versions).toContain(-1), SOON);
    new PolicyBoard(learner.setup.board).publish({
      ...{ version: 5, turn: 0 },
      parameters: new Float32Array(run.parameterCount).fill(0.1),
      normalizer: new Float32Array(2 * (run.shape?.observationSize ?? 0)),
    });
    await vi.waitFor(() => expect(versions).toEqual(new Set([-1, 5])), SOON);
    await vi.waitFor(
      () => expect(learner.events.some(({ type }) => type === "episode")).toBe(true),
      SOON,
    );
    expect(host.status).toMatchObject({ connected: true, actorsAlive: 2, policyVersion: 5 });
    await learner.host.close({ kind: "finished", message: "complete", graceMs: 20_000 });
    expect(await ended).toBe("finished");
    // All that the learner has, this side knows it to have.
    expect(host.status.durableUnrolls).toBe(acceptedBy(learner));
    const joined = events.filter((event) => event.type === "joined");
    expect(joined.map(({ slot, incarnation }) => [slot, incarnation]).toSorted()).toEqual([
      [0, 1],
      [1, 1],
    ]);
    const text = await registry.text();
    expect(text).toMatch(/troupe_trajectory_ack_duration_seconds_count [1-9]/);
    expect(text).toMatch(/troupe_env_step_duration_seconds_count [1-9]/);
  });

  test(
    "stops in time with an environment that hangs, and delivers what it has",
    TIMEOUT,
    async (context) => {
      const folder = scratchFolder(context);
      // Only where it acts, and only after a first unroll.
      const step = "if (!isMainThread && total === 30) for (;;);";
      const run = await runOf(writeFaultyTask(folder, "Wedge", { step }));
      const learner = await openLearner(context, { ...run, stepTimeoutSeconds: 3600 });
      learner.keepTaking();
      const { stop, ended, host } = openHost(context, learner.address, { workers: 1 });
      await vi.waitFor(() => expect(learner.taken).toHaveLength(4), SOON);
      const start = performance.now();
      stop.abort();
      expect(await ended).toBe("stopped");
      await host[Symbol.asyncDispose]();
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(learner.logLines).toContainEqual(expect.stringMatching(/left: stopped/));
    },
  );

  test("replaces an actor that crashes, under the same session", TIMEOUT, async (context) => {
    const folder = scratchFolder(context);
    const step = "if (!isMainThread && total === 30 && once('crash')) process.exit(1);";
    const run = await runOf(writeFaultyTask(folder, "Crash", { step }));
    const learner = await openLearner(context, run);
    learner.keepTaking();
    const { events } = openHost(context, learner.address, { workers: 1 });
    await vi.waitFor(() => expect(learner.taken.length).toBeGreaterThan(20), SOON);
    expect(events.filter(({ type }) => type === "crash")).toHaveLength(1);
    const last = learner.taken.at(-1);
    expect(last).toMatchObject({ slot: 0, incarnation: 1 });
    expect(learner.taken.map(({ sequence }) => sequence)).toEqual(learner.taken.map((_, i) => i));
  });

  test("ends when every actor keeps crashing", TIMEOUT, async (context) => {
    const folder = scratchFolder(context);
    const make = "if (!isMainThread) throw new Error('out of tune')";
    const run = await runOf(writeFaultyTask(folder, "Broken", { make }));
    const learner = await openLearner(context, run);
    const restart = { backoffMs: 10, maxBackoffMs: 10, maxCrashes: 2, windowMs: 60_000 };
    const { ended } = openHost(context, learner.address, { workers: 2, restart });
    await expect(ended).rejects.toMatchObject({
      code: "ACTOR_CRASHED",
      message: expect.stringContaining("out of tune"),
    });
  });

  test.for([
    [{ envId: "PointMess-v0" }, /trains on PointMess-v0 .*did you mean "PointMass-v0"/],
    [
      { shape: { observationSize: 9, actionSize: 2, unrollLength: 8, frameStack: 0 } },
      /trains on PointMass-v0 with 9 observed numbers .* it has 2 observed numbers/,
    ],
    [{ envOptionsJson: '{"dimension": 3}' }, /trains on PointMass-v0 .*dimensions/],
    [{ envOptionsJson: "[1]" }, /describes a run that cannot be/],
  ] as const)(
    "does not act in another environment: %j",
    TIMEOUT,
    async ([fields, message], context) => {
      const learner = await openLearner(context, { ...(await runOf("PointMass-v0")), ...fields });
      const { ended } = openHost(context, learner.address);
      await expect(ended).rejects.toThrow(message);
    },
  );

  test(
    "can be stopped while it waits for a learner, and gives up in the end",
    TIMEOUT,
    async (context) => {
      const stopped = openHost(context, "127.0.0.1:1");
      await vi.waitFor(() => expect(stopped.events).toHaveLength(1), SOON);
      stopped.stop.abort();
      expect(await stopped.ended).toBe("stopped");
      expect(stopped.events).toEqual([
        expect.objectContaining({
          level: "warn",
          message: expect.stringContaining("nobody listens"),
        }),
      ]);
      const impatient = openHost(context, "127.0.0.1:1", { giveUpAfterMs: 200 });
      await expect(impatient.ended).rejects.toMatchObject({ code: "LEARNER_LOST" });
    },
  );

  test("stops in time when the learner has vanished", TIMEOUT, async (context) => {
    const learner = await openLearner(context, await runOf("PointMass-v0"));
    learner.keepTaking();
    const { stop, ended, events } = openHost(context, learner.address, { workers: 1 });
    await vi.waitFor(() => expect(learner.taken.length).toBeGreaterThan(3), SOON);
    await learner.host[Symbol.asyncDispose]();
    const isLost = ({ type }: ActorHostEvent, i: number) => type === "log" && i > 3;
    await vi.waitFor(() => expect(events.some(isLost)).toBe(true), SOON);
    const start = performance.now();
    stop.abort();
    expect(await ended).toBe("stopped");
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
