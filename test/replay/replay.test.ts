import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RandomStream } from "../../src/math/random.ts";
import type { Unroll } from "../../src/protocol.ts";
import type { ReplayBatch } from "../../src/replay/batch.ts";
import { Replay, type ReplayOptions } from "../../src/replay/replay.ts";
import { LAP, PRIORITIZED, type Sampling } from "../../src/replay/sampler.ts";
import { makeUnroll, makeUnrolls, OPTIONS, unrollPlans } from "./make-unroll.ts";

const STRATEGIES: readonly Sampling[] = [{ kind: "uniform" }, PRIORITIZED, LAP];

function random(...path: (string | number)[]): RandomStream {
  return RandomStream.derive(7, ...path);
}

function replayWith(unrolls: readonly Unroll[], changes: Partial<ReplayOptions> = {}): Replay {
  const replay = new Replay({ ...OPTIONS, ...changes });
  for (const unroll of unrolls) expect(replay.insert(unroll)).toBeNull();
  return replay;
}

/** The obvious n-step transition that starts at step t of an unroll. */
function window(unroll: Unroll, t: number, { nSteps, gamma }: ReplayOptions) {
  const length = Math.min(nSteps, unroll.length - t);
  let nStepReturn = 0;
  for (let i = 0; i < length; i++) nStepReturn += gamma ** i * unroll.rewards[t + i]!;
  const terminated = unroll.terminated[t + length - 1] === 1;
  return { length, nStepReturn, discount: terminated ? 0 : gamma ** length };
}

/** Row b of a column. */
function row(column: ReplayBatch["observations"], b: number, batch: ReplayBatch): number[] {
  const width = column.length / batch.size;
  return [...column.subarray(b * width, (b + 1) * width)];
}

describe.each(STRATEGIES)("Replay with $kind sampling", (sampling) => {
  test("returns transitions of held unrolls, windows cut at every end", () => {
    const runs = fc.record({ plans: unrollPlans(4, 30), nSteps: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(runs, ({ plans, nSteps }) => {
        const unrolls = makeUnrolls(plans);
        const replay = replayWith(unrolls, { sampling, nSteps });
        const held = unrolls.slice(replay.ring.position.oldestBlock);
        const batch = replay.createBatch();
        replay.sample(batch, random("windows"), 0.5);
        for (let b = 0; b < batch.size; b++) {
          const step = Math.floor(batch.observations[3 * b]!);
          const unroll = held.find((u) => u.rewards.includes(step))!;
          const t = unroll.rewards.indexOf(step);
          const expected = window(unroll, t, replay.options);
          expect(batch.lengths[b]).toBe(expected.length);
          expect(batch.returns[b]).toBe(Math.fround(expected.nStepReturn));
          expect(batch.bootstrapDiscounts[b]).toBe(Math.fround(expected.discount));
          const next = t + expected.length;
          expect(row(batch.observations, b, batch)).toEqual([
            ...unroll.observations.subarray(3 * t, 3 * t + 3),
          ]);
          expect(row(batch.nextObservations, b, batch)).toEqual([
            ...unroll.observations.subarray(3 * next, 3 * next + 3),
          ]);
          expect(row(batch.actions, b, batch)).toEqual([
            ...unroll.actions.subarray(2 * t, 2 * t + 2),
          ]);
          expect(batch.policyVersions[b]).toBe(unroll.policyVersions[t]);
          expect(replay.ring.holds(batch.slots[b]!, batch.generations[b]!)).toBe(true);
        }
      }),
    );
  });

  test("gathers wide rows like narrow ones", () => {
    const changes = { sampling, observationSize: 70, actionSize: 65 };
    const unrolls = makeUnrolls(
      [
        { length: 4, end: "none" },
        { length: 3, end: "terminated" },
      ],
      { ...OPTIONS, ...changes },
    );
    const replay = replayWith(unrolls, changes);
    const batch = replay.createBatch();
    replay.sample(batch, random("wide"));
    const all = unrolls.flatMap((u) => Array.from({ length: u.length }, (_, t) => ({ u, t })));
    for (let b = 0; b < batch.size; b++) {
      const { u, t } = all.find(({ u, t }) => u.rewards[t] === batch.observations[70 * b])!;
      const rows = u.observations.subarray(70 * t, 70 * (t + 2));
      expect(row(batch.observations, b, batch)).toEqual([...rows.subarray(0, 70)]);
      expect(row(batch.nextObservations, b, batch)).toEqual([...rows.subarray(70)]);
      expect(row(batch.actions, b, batch)).toEqual([...u.actions.subarray(65 * t, 65 * (t + 1))]);
    }
  });

  test("draws every transition, and at first all alike", () => {
    const unrolls = makeUnrolls([
      { length: 4, end: "none" },
      { length: 1, end: "truncated" },
      { length: 3, end: "terminated" },
    ]);
    const replay = replayWith(unrolls, { sampling, batchSize: 1 });
    const batch = replay.createBatch();
    const counts = new Map<number, number>();
    const stream = random("alike");
    for (let i = 0; i < 8000; i++) {
      replay.sample(batch, stream);
      counts.set(batch.slots[0]!, (counts.get(batch.slots[0]!) ?? 0) + 1);
    }
    expect(counts.size).toBe(8);
    // Chi-squared with 7 degrees of freedom exceeds 24.3 once in a thousand seeds.
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    expect(chiSquared).toBeLessThan(24.3);
  });

  test("draws the same from the same stream, and something else from another", () => {
    const unrolls = makeUnrolls(Array.from({ length: 9 }, () => ({ length: 4, end: "none" })));
    const draw = (seed: number): number[] => {
      const replay = replayWith(unrolls, { sampling });
      const batch = replay.createBatch();
      replay.sample(batch, random(seed));
      return [...batch.slots];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test("survives priorities that are NaN, infinite or for what is gone", () => {
    const unrolls = makeUnrolls(Array.from({ length: 30 }, () => ({ length: 4, end: "none" })));
    const replay = replayWith(unrolls.slice(0, 5), { sampling });
    const batch = replay.createBatch();
    replay.sample(batch, random("survives"));
    replay.updatePriorities(batch, new Float32Array(8).fill(Number.NaN));
    replay.updatePriorities(batch, new Float32Array(8).fill(-Infinity));
    for (const unroll of unrolls.slice(5)) replay.insert(unroll);
    const before = replay.digest();
    replay.updatePriorities(batch, new Float32Array(8).fill(1e30));
    const { invalidPriorities, stalePriorities } = replay.counters;
    const heeds = sampling.kind !== "uniform";
    expect({ invalidPriorities, stalePriorities }).toEqual(
      heeds
        ? { invalidPriorities: 16, stalePriorities: 8 }
        : { invalidPriorities: 0, stalePriorities: 0 },
    );
    expect(replay.digest() === before).toBe(!heeds); // the count of stale ones is part of it
    replay.sample(batch, random("after"));
    expect(batch.importanceWeights.every((w) => w > 0 && w <= 1)).toBe(true);
  });
});

describe("Replay", () => {
  test("reproduces the worked n-step example: r = (1, 0, 2), gamma 0.99, V = 10", () => {
    const unroll = makeUnroll({ length: 3, end: "none" }, 0);
    const replay = replayWith([{ ...unroll, rewards: new Float32Array([1, 0, 2]) }], { nSteps: 3 });
    const batch = replay.createBatch();
    replay.sample(batch, random("example"));
    const b = batch.lengths.indexOf(3);
    expect(b).toBeGreaterThanOrEqual(0);
    expect(batch.returns[b]! + 10 * batch.bootstrapDiscounts[b]!).toBeCloseTo(12.66319, 5);
  });

  test("refuses to draw while empty", () => {
    const replay = new Replay(OPTIONS);
    expect(() => replay.sample(replay.createBatch(), random())).toThrow(RangeError);
  });

  const good = makeUnroll({ length: 3, end: "none" }, 0);
  const flagged = new Uint8Array([1, 0, 0]);
  const bad: [string, Unroll][] = [
    ["dtype", { ...good, rewards: [0, 0, 0] as unknown as Float32Array }],
    ["dtype", { ...good, observations: new Float64Array(12) as unknown as Float32Array }],
    ["shape", { ...good, length: 2 }],
    ["shape", { ...good, length: 0 }],
    ["shape", { ...good, length: Number.NaN }],
    ["shape", { ...good, env: 0.5 }],
    ["shape", { ...good, observations: good.observations.subarray(3) }],
    ["shape", { ...good, actions: good.actions.subarray(1) }],
    ["shape", { ...good, policyVersions: new Int32Array(4) }],
    ["oversize", makeUnroll({ length: 5, end: "none" }, 0)],
    ["early-end", { ...good, terminated: flagged }],
    ["early-end", { ...good, truncated: flagged }],
    ["flag", { ...good, truncated: new Uint8Array([0, 0, 2]) }],
    ["non-finite", { ...good, observations: good.observations.with(11, Number.NaN) }],
    ["non-finite", { ...good, actions: good.actions.with(0, Infinity) }],
    ["non-finite", { ...good, rewards: good.rewards.with(2, -Infinity) }],
    ["action-range", { ...good, actions: good.actions.with(5, 1.01) }],
    ["action-range", { ...good, actions: good.actions.with(5, -1.01) }],
  ];
  test.each(bad)("refuses a bad unroll for its %s and stays as it was", (reason, unroll) => {
    const replay = replayWith([good]);
    const { position } = replay.ring;
    expect(replay.insert(unroll)).toBe(reason);
    expect(replay.ring.position).toEqual(position);
    const refused = Object.entries(replay.counters.refused).filter(([, n]) => n > 0);
    expect(refused).toEqual([[reason, 1]]);
    expect(replay.counters.inserted).toBe(3);
  });

  test("takes actions at the very ends of their range", () => {
    const actions = good.actions.map((_, i) => (i % 2 === 0 ? 1 : -1));
    expect(new Replay(OPTIONS).insert({ ...good, actions })).toBeNull();
  });
});
