import { describe, expect, test } from "vitest";
import { Actor } from "../../src/actors/actor.ts";
import { CompiledPolicy } from "../../src/actors/compiled-policy.ts";
import { EnvStream } from "../../src/actors/env-stream.ts";
import { Heartbeat } from "../../src/actors/heartbeat.ts";
import { ppo, ppoDefaults } from "../../src/algorithms/ppo.ts";
import { LOG_PROBS, ON_POLICY_COLUMNS, type TurnRule, VALUES } from "../../src/config/on-policy.ts";
import { openEnv } from "../../src/envs/registry.ts";
import { compilePolicy } from "../../src/learner/compile-policy.ts";
import { PolicyJudge } from "../../src/learner/on-policy/judge.ts";
import { RandomStream } from "../../src/math/random.ts";
import { numberRows, type UnrollFrame } from "../../src/protocol.ts";
import {
  allocateInProcess,
  InProcessActorLink,
  InProcessLearnerLink,
} from "../../src/transport/in-process.ts";
import { trainedParameters } from "../algorithms/random-inputs.ts";

const ENVS = 2;
const T = 30;
/** Two whole episodes and a half in a turn. */
const env = { id: "PointMass-v0", options: { max_episode_steps: 12 } };

async function open(rule: TurnRule) {
  const probe = await openEnv(env.id, env.options);
  const observationSize = probe.observationSpace.size;
  const actionSize = probe.actionSpace.kind === "box" ? probe.actionSpace.size : 1;
  probe.close();
  const sizes = { observationSize, actionSize, batchSize: 1 };
  const algorithm = ppo({ ...ppoDefaults, hidden: [8], logStdInit: 0.5 }, sizes);
  const group = Object.values(trainedParameters(algorithm, 1)["agent"] ?? {});
  const parameters = Float32Array.from(group.flatMap((tensor) => [...tensor]));
  const memory = allocateInProcess({
    actors: 1,
    shape: {
      ...{ observationSize, actionSize, unrollLength: T },
      extras: ON_POLICY_COLUMNS,
      freeActions: true,
    },
    parameterCount: parameters.length,
    slotsPerActor: 64,
    snapshotBytes: 0,
  });
  const streams = await Promise.all(
    Array.from({ length: ENVS }, async (_, index) => {
      const options = { actor: 0, index, unrollLength: T, extras: ON_POLICY_COLUMNS };
      return new EnvStream({ ...options, env: await openEnv(env.id, env.options) });
    }),
  );
  for (const stream of streams) stream.begin(1);
  const learner = new InProcessLearnerLink(memory);
  const policy = await CompiledPolicy.load(compilePolicy(algorithm, ENVS), { normalizes: false });
  const turns: number[] = [];
  const actor = new Actor({
    ...{ policy, streams, turns: rule, sendsSnapshots: false },
    link: new InProcessActorLink(memory, 0),
    random: RandomStream.derive(1, "test"),
    heartbeat: new Heartbeat(Heartbeat.allocate()),
    ...{ incarnation: 1, unrollLength: T, onEpisode: () => undefined },
    onTurn: ({ policyVersion }) => turns.push(policyVersion),
  });
  const frames: UnrollFrame[] = [];
  const publish = (version: number, turn: number) =>
    learner.publish({
      version,
      turn,
      parameters,
      normalizer: new Float32Array(2 * observationSize),
    });
  const receive = () => learner.receive((frame) => frames.push(structuredClone(frame)) > 0);
  return { actor, algorithm, parameters, publish, receive, frames, turns };
}

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!done()) {
    if (performance.now() > deadline) throw new Error("nothing happens");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ended = (frames: readonly UnrollFrame[]) => frames.filter(({ endsTurn }) => endsTurn).length;

describe("an actor of an on-policy learner", () => {
  test("waits for a policy, and records what it says about each action and observation", async () => {
    const { actor, algorithm, parameters, publish, receive, frames, turns } = await open({
      ahead: 0,
      holdsFrames: false,
    });
    const running = actor.run();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(turns).toEqual([]);
    publish(0, 1);
    await until(() => receive() >= 0 && ended(frames) === 1);
    actor.stop();
    await running;
    expect(turns).toEqual([0]);
    expect(frames.reduce((sum, { unroll }) => sum + unroll.length, 0)).toBe(ENVS * T);

    await using judge = await PolicyJudge.create(algorithm);
    const ends = new Set<string>();
    let largest = 0;
    for (const { unroll } of frames) {
      const { observations, actions, length, extras } = unroll;
      const size = observations.length / (length + 1);
      const padded = new Float32Array((length + 1) * (actions.length / length));
      padded.set(actions);
      const { logProbs, values } = await judge.judge(parameters, numberRows(observations), padded);
      const isTerminated = unroll.terminated[length - 1] === 1;
      ends.add(isTerminated ? "terminated" : unroll.truncated[length - 1] ? "truncated" : "cut");
      // Nothing follows a termination.
      if (isTerminated) values[length] = 0;
      expect(observations.length).toBe((length + 1) * size);
      for (const [t, value] of values.entries()) {
        expect(extras?.[VALUES]?.[t]).toBeCloseTo(value, 5);
      }
      for (let t = 0; t < length; t++) {
        expect(extras?.[LOG_PROBS]?.[t]).toBeCloseTo(logProbs[t] ?? Number.NaN, 4);
      }
      largest = Math.max(largest, ...actions.map(Math.abs));
    }
    expect(ends).toEqual(new Set(["truncated", "cut"]));
    // The density is that of the action as drawn, so that is what is recorded.
    expect(largest).toBeGreaterThan(1);
  });

  test("a turn ahead: holds a turn's unrolls until it has the policy of the next", async () => {
    const { actor, publish, receive, frames, turns } = await open({ ahead: 1, holdsFrames: true });
    const running = actor.run();
    publish(0, 2);
    await until(() => turns.length === 2);
    receive();
    expect(ended(frames)).toBe(1);
    publish(1, 3);
    await until(() => turns.length === 3);
    receive();
    expect(ended(frames)).toBe(2);
    publish(2, 4);
    await until(() => turns.length === 4);
    actor.stop();
    await running;
    receive();
    const versions = frames.filter(({ endsTurn }) => endsTurn);
    expect(versions.map(({ unroll }) => unroll.policyVersions[0])).toEqual([0, 0, 1]);
  });

  test("acts no more turns than are granted, and none that were granted before it came", async () => {
    const { actor, publish, turns } = await open({ ahead: 2, holdsFrames: false });
    const running = actor.run();
    publish(10, 13);
    await until(() => turns.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(turns).toEqual([10, 10, 10]);
    publish(11, 14);
    await until(() => turns.length === 4);
    actor.stop();
    await running;
    expect(turns).toEqual([10, 10, 10, 11]);
  });
});
