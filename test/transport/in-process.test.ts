import { describe, expect, test } from "vitest";
import {
  allocateInProcess,
  InProcessActorLink,
  InProcessLearnerLink,
} from "../../src/transport/in-process.ts";
import { frameOf, shape } from "./unrolls.ts";

function open(actors: number) {
  const memory = allocateInProcess({
    actors,
    shape,
    parameterCount: 5,
    slotsPerActor: 2,
    snapshotBytes: 0,
  });
  const links = Array.from({ length: actors }, (_, i) => new InProcessActorLink(memory, i));
  return { links, learner: new InProcessLearnerLink(memory) };
}

describe("the in-process transport", () => {
  test("delivers each actor's frames in order and actors in turn", () => {
    const { links, learner } = open(2);
    for (const [i, link] of links.entries()) {
      expect(link.offer(frameOf(10 * i))).toBe(true);
      expect(link.offer(frameOf(10 * i + 1))).toBe(true);
      expect(link.offer(frameOf(10 * i + 2))).toBe(false);
    }
    const sequences: number[] = [];
    expect(learner.receive((frame) => sequences.push(frame.sequence) > 0)).toBe(4);
    expect(sequences.filter((s) => s < 10)).toEqual([0, 1]);
    expect(sequences.filter((s) => s >= 10)).toEqual([10, 11]);
    expect(new Set(sequences.slice(0, 2).map((s) => Math.floor(s / 10))).size).toBe(2);
  });

  test("serves every actor alike when there is room for one frame at a time", () => {
    const { links, learner } = open(3);
    const served = [0, 0, 0];
    for (let round = 0; round < 60; round++) {
      for (const [i, link] of links.entries()) while (link.offer(frameOf(i)));
      let room = 1;
      learner.receive(({ sequence }) => {
        if (room-- === 0) return false;
        served[sequence] = (served[sequence] ?? 0) + 1;
        return true;
      });
    }
    expect(served).toEqual([20, 20, 20]);
  });

  test("keeps a frame that was not accepted", () => {
    const { links, learner } = open(1);
    links[0]?.offer(frameOf(7));
    expect(learner.receive(() => false)).toBe(0);
    let sequence = -1;
    learner.receive((frame) => {
      sequence = frame.sequence;
      return true;
    });
    expect(sequence).toBe(7);
  });

  test("wakes the learner when a frame arrived before it began to wait", () => {
    const { links, learner } = open(1);
    learner.receive(() => true);
    links[0]?.offer(frameOf(1));
    const start = performance.now();
    learner.waitForFrames(4_000);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test("hands an actor each policy once", () => {
    const { links, learner } = open(1);
    const [link] = links;
    expect(link?.takePolicy()).toBeUndefined();
    const published = {
      version: 3,
      turn: 1,
      parameters: Float32Array.of(1, 2, 3, 4, 5),
      normalizer: new Float32Array(2 * shape.observationSize),
    };
    learner.publish(published);
    expect(link?.takePolicy()).toEqual(published);
    expect(link?.takePolicy()).toBeUndefined();
  });
});
