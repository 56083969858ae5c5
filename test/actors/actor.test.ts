import { describe, expect, test } from "vitest";
import { Actor, type TurnReport } from "../../src/actors/actor.ts";
import { EnvStream, type EpisodeEnd } from "../../src/actors/env-stream.ts";
import { Heartbeat } from "../../src/actors/heartbeat.ts";
import type { PolicyCall, PolicyRunner } from "../../src/actors/policy-runner.ts";
import { RandomStream } from "../../src/math/random.ts";
import type { UnrollFrame } from "../../src/protocol.ts";
import {
  allocateInProcess,
  InProcessActorLink,
  InProcessLearnerLink,
} from "../../src/transport/in-process.ts";
import { FaultyEnv } from "./faulty-env.ts";

/** The simplest policy there is: its one parameter is its action. */
class ConstantPolicy implements PolicyRunner {
  readonly observationSize = 1;
  readonly actionSize = 2;
  #action = 0;

  setParameters(parameters: Float32Array): void {
    this.#action = parameters[0] ?? 0;
  }

  async run({ actions }: PolicyCall): Promise<void> {
    actions.fill(this.#action);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const T = 4;

function open(options: { envs?: number; takesTurns?: boolean; slots?: number; limit?: number }) {
  const { envs = 1, takesTurns = false, slots = 64, limit = 1000 } = options;
  const memory = allocateInProcess({
    actors: 1,
    shape: { observationSize: 1, actionSize: 2, unrollLength: T },
    parameterCount: 1,
    slotsPerActor: slots,
    snapshotBytes: takesTurns ? 4096 : 0,
  });
  const streams = Array.from({ length: envs }, (_, index) => {
    const env = new FaultyEnv(limit);
    return new EnvStream({ env, actor: 0, index, unrollLength: T });
  });
  for (const stream of streams) stream.begin(0);
  const learner = new InProcessLearnerLink(memory);
  const frames: UnrollFrame[] = [];
  const episodes: EpisodeEnd[] = [];
  const turns: TurnReport[] = [];
  const actor: Actor = new Actor({
    link: new InProcessActorLink(memory, 0),
    policy: new ConstantPolicy(),
    streams,
    random: RandomStream.derive(1, "test"),
    heartbeat: new Heartbeat(Heartbeat.allocate()),
    incarnation: 1,
    unrollLength: T,
    turns: takesTurns ? { ahead: 0, holdsFrames: false } : undefined,
    sendsSnapshots: takesTurns,
    onEpisode: (end) => episodes.push(end),
    onTurn: (turn) => turns.push(turn),
  });
  const publish = (version: number, turn: number) =>
    learner.publish({
      version,
      turn,
      parameters: Float32Array.of(version / 10),
      normalizer: new Float32Array(2),
    });
  const receive = () => {
    learner.receive((frame) => frames.push(structuredClone(frame)) > 0);
    return frames;
  };
  return { actor, publish, receive, frames, episodes, turns };
}

/** Lets the actor run until `done`, which is asked between its turns. */
async function runUntil(actor: Actor, done: () => boolean): Promise<void> {
  const running = actor.run();
  const deadline = performance.now() + 20_000;
  while (!done() && performance.now() < deadline) await new Promise((next) => setImmediate(next));
  actor.stop();
  await running;
  expect(done()).toBe(true);
}

describe("Actor", () => {
  test("acts at random until a policy arrives, then with it, and says so in each step", async () => {
    const { actor, publish, receive, frames } = open({});
    await runUntil(actor, () => receive().length >= 2);
    expect(frames[0]?.unroll.policyVersions).toEqual(new Int32Array(T).fill(-1));
    expect(new Set(frames[0]?.unroll.actions).size).toBe(2 * T);
    publish(5, 0);
    const resumed = open({});
    resumed.publish(5, 0);
    await runUntil(resumed.actor, () => resumed.receive().length >= 1);
    expect(resumed.frames[0]?.unroll.policyVersions).toEqual(new Int32Array(T).fill(5));
    expect(resumed.frames[0]?.unroll.actions).toEqual(new Float32Array(2 * T).fill(0.5));
  });

  test("sends one unroll for each environment and turn, numbered, the last ending the turn", async () => {
    const { actor, receive, frames } = open({ envs: 3 });
    await runUntil(actor, () => receive().length >= 6);
    expect(frames.slice(0, 6).map(({ unroll }) => unroll.env)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(frames.slice(0, 6).map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(frames.slice(0, 6).map(({ endsTurn }) => endsTurn)).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
  });

  test("never lets an unroll span two episodes", async () => {
    const { actor, receive, frames, episodes } = open({ limit: 6 });
    await runUntil(actor, () => receive().length >= 9);
    for (const { unroll } of frames) {
      const first = unroll.observations[0] ?? Number.NaN;
      const expected = Float32Array.from({ length: unroll.length + 1 }, (_, i) => first + i);
      expect(unroll.observations).toEqual(expected);
      expect(unroll.truncated.slice(0, -1).includes(1)).toBe(false);
    }
    expect(episodes.every(({ episodeLength }) => episodeLength === 6)).toBe(true);
  });

  test("waits when there is no room, and says for how long", async () => {
    const { actor, receive, turns } = open({ slots: 1 });
    await runUntil(actor, () => turns.length === 1 || receive().length > 50);
    expect(turns).toHaveLength(1);
    const blocked = open({ slots: 1 });
    const running = blocked.actor.run();
    const start = performance.now();
    while (performance.now() - start < 500) await new Promise((next) => setImmediate(next));
    blocked.receive();
    while (blocked.turns.length < 2) await new Promise((next) => setImmediate(next));
    blocked.actor.stop();
    blocked.receive();
    await running;
    expect(blocked.turns[1]?.blockedOnRoomSeconds).toBeGreaterThan(0.05);
  });

  test("takes one turn for each that is granted, and continues from a snapshot", async () => {
    const whole = open({ takesTurns: true });
    const play = async (run: ReturnType<typeof open>, turns: number, first = 0) => {
      const running = run.actor.run();
      for (let turn = first; turn < first + turns; turn++) {
        run.publish(turn < 2 ? -1 : turn, turn + 1);
        while (run.receive().length < turn + 1 - first) {
          await new Promise((next) => setImmediate(next));
        }
      }
      run.actor.stop();
      await running;
      expect(run.receive()).toHaveLength(turns);
      return run.frames;
    };
    const frames = await play(whole, 4);
    const resumed = open({ takesTurns: true });
    resumed.actor.restore(frames[1]?.snapshot ?? new Uint8Array(0));
    expect(await play(resumed, 2, 2)).toEqual(frames.slice(2));
  });
});
