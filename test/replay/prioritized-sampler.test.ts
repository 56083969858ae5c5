import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RandomStream } from "../../src/math/random.ts";
import type { ReplayBatch } from "../../src/replay/batch.ts";
import { Replay } from "../../src/replay/replay.ts";
import { LAP, PRIORITIZED, type Sampling } from "../../src/replay/sampler.ts";
import { makeUnroll, makeUnrolls, OPTIONS } from "./make-unroll.ts";

/** A replay of four transitions at slots 0..3. */
function fourTransitions(sampling: Sampling, batchSize = 4): Replay {
  const replay = new Replay({ ...OPTIONS, sampling, batchSize });
  replay.insert(makeUnroll({ length: 4, end: "none" }, 0));
  return replay;
}

/** A batch that addresses slots 0..3, as if it had been drawn. */
function batchOfAll(replay: Replay): ReplayBatch {
  const batch = new Replay({ ...replay.options, batchSize: 4 }).createBatch();
  batch.slots.set([0, 1, 2, 3]);
  return batch;
}

function weightsOf(replay: Replay): number[] {
  return [...replay.sampler.weights!.subarray(0, 4)];
}

/** What a sampler does, by lists and scans. */
class ObviousSampler {
  readonly #weights: number[];
  #max = 1;

  constructor(count: number) {
    this.#weights = new Array(count).fill(1);
  }

  update(index: number, tdError: number): void {
    const weight = (Math.abs(tdError) + PRIORITIZED.epsilon) ** PRIORITIZED.priorityExponent;
    this.#weights[index] = weight;
    this.#max = Math.max(this.#max, weight);
  }

  push(): void {
    this.#weights.push(this.#max);
  }

  get total(): number {
    return this.#weights.reduce((sum, w) => sum + w, 0);
  }

  /** Weight and importance weight of a drawn list of transitions. */
  importance(indices: readonly number[], beta: number): number[] {
    const raw = indices.map((i) => {
      return (this.#weights.length * (this.#weights[i]! / this.total)) ** -beta;
    });
    return raw.map((w) => w / Math.max(...raw));
  }

  probability(index: number): number {
    return this.#weights[index]! / this.total;
  }

  /** Whether `mass` may fall in the transition, allowing for rounding of the sums. */
  contains(index: number, mass: number): boolean {
    const before = this.#weights.slice(0, index).reduce((sum, w) => sum + w, 0);
    const slack = 1e-9 * this.total;
    return mass >= before - slack && mass <= before + this.#weights[index]! + slack;
  }
}

describe("PrioritizedSampler", () => {
  test("reproduces the worked example: p = (1, 2, 0.5, 4), a = 0.6, b = 0.4", () => {
    const replay = fourTransitions({ ...PRIORITIZED, epsilon: 0 }, 40);
    replay.updatePriorities(batchOfAll(replay), new Float32Array([1, -2, 0.5, 4]));
    const batch = replay.createBatch();
    replay.sample(batch, RandomStream.derive(0, "example"), 0.4);
    const expected = [0.846745, 0.716978, 1, 0.607097];
    expect(new Set(batch.slots).size).toBe(4);
    for (const [b, slot] of batch.slots.entries()) {
      expect(batch.importanceWeights[b]).toBeCloseTo(expected[slot]!, 6);
    }
  });

  test("draws one transition from each of B equal parts of the mass", () => {
    const replay = fourTransitions({ ...PRIORITIZED, epsilon: 0, priorityExponent: 1 }, 8);
    replay.updatePriorities(batchOfAll(replay), new Float32Array([4, 1, 2, 1]));
    const batch = replay.createBatch();
    replay.sample(batch, RandomStream.derive(0, "parts"));
    expect([...batch.slots]).toEqual([0, 0, 0, 0, 1, 2, 2, 3]);
  });

  test("agrees with the obvious sampler over any history", () => {
    const tdError = fc.float({ min: -1e3, max: 1e3, noNaN: true });
    const event = fc.oneof(
      fc.record({ kind: fc.constant("insert" as const), length: fc.integer({ min: 1, max: 4 }) }),
      fc.record({
        kind: fc.constant("learn" as const),
        tdErrors: fc.array(tdError, { minLength: 8, maxLength: 8 }),
        beta: fc.double({ min: 0, max: 1, noNaN: true }),
        seed: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        // Large enough to forget nothing, so that step numbers index the obvious sampler.
        const replay = new Replay({ ...OPTIONS, capacity: 200, sampling: PRIORITIZED });
        const obvious = new ObviousSampler(0);
        const batch = replay.createBatch();
        let inserted = 0;
        for (const event of events) {
          if (event.kind === "insert") {
            replay.insert(makeUnroll({ length: event.length, end: "none" }, inserted));
            inserted += event.length;
            for (let i = 0; i < event.length; i++) obvious.push();
          } else if (inserted > 0) {
            replay.sample(batch, RandomStream.derive(event.seed), event.beta);
            const stream = RandomStream.derive(event.seed);
            const steps = [...batch.returns];
            const importance = obvious.importance(steps, event.beta);
            for (const [b, step] of steps.entries()) {
              const mass = ((b + stream.uniform()) / 8) * obvious.total;
              expect(obvious.contains(step, mass)).toBe(true);
              expect(batch.importanceWeights[b]).toBeCloseTo(importance[b]!, 5);
            }
            replay.updatePriorities(batch, Float32Array.from(event.tdErrors));
            for (const [b, step] of steps.entries()) obvious.update(step, event.tdErrors[b]!);
          }
        }
      }),
    );
  });

  test("gives new transitions the largest priority seen, even after its owner is gone", () => {
    const replay = fourTransitions({ ...PRIORITIZED, epsilon: 0, priorityExponent: 1 });
    expect(weightsOf(replay)).toEqual([1, 1, 1, 1]);
    replay.updatePriorities(batchOfAll(replay), new Float32Array([0.5, 0.5, 7, 0.5]));
    for (const unroll of makeUnrolls(
      Array.from({ length: 20 }, () => ({ length: 4, end: "none" })),
    )) {
      replay.insert(unroll);
    }
    const weights = replay.sampler.weights!;
    expect(Math.max(...weights)).toBe(7);
    expect(weights.filter((w) => w === 7)).toHaveLength(replay.size);
    expect(weights.filter((w) => w === 0)).toHaveLength(weights.length - replay.size);
  });

  test("ignores updates for overwritten transitions, and counts them", () => {
    const replay = fourTransitions(PRIORITIZED);
    const batch = batchOfAll(replay);
    for (const unroll of makeUnrolls(
      Array.from({ length: 20 }, () => ({ length: 4, end: "none" })),
    )) {
      replay.insert(unroll);
    }
    const before = [...replay.sampler.weights!];
    const update = replay.updatePriorities(batch, new Float32Array([9, 9, 9, 9]));
    expect(update).toEqual({ applied: 0, stale: 4, invalid: 0 });
    expect([...replay.sampler.weights!]).toEqual(before);
  });

  test("sets what is valid of a batch that is partly invalid", () => {
    const replay = fourTransitions({ ...PRIORITIZED, epsilon: 0, priorityExponent: 1 });
    const tdErrors = new Float32Array([3, Number.NaN, Infinity, 2]);
    const update = replay.updatePriorities(batchOfAll(replay), tdErrors);
    expect(update).toEqual({ applied: 2, stale: 0, invalid: 2 });
    expect(weightsOf(replay)).toEqual([3, 1, 1, 2]);
  });

  test("keeps transitions with a TD error of 0 within reach", () => {
    const replay = fourTransitions(PRIORITIZED);
    replay.updatePriorities(batchOfAll(replay), new Float32Array(4));
    expect(weightsOf(replay).every((w) => w > 0)).toBe(true);
  });
});

describe("LAP", () => {
  test("weighs by max(|delta|, 1)^0.4 and corrects nothing", () => {
    const replay = fourTransitions(LAP);
    replay.updatePriorities(batchOfAll(replay), new Float32Array([0, -0.9, 3, -32]));
    expect(weightsOf(replay)).toEqual([1, 1, 3 ** 0.4, 4]);
    const batch = replay.createBatch();
    replay.sample(batch, RandomStream.derive(0), 1);
    expect([...batch.importanceWeights]).toEqual([1, 1, 1, 1]);
  });

  test("takes the largest priority anew from those held, every 250 updates", () => {
    const replay = fourTransitions(LAP);
    const batch = batchOfAll(replay);
    replay.updatePriorities(batch, new Float32Array([32, 1, 1, 1]));
    for (let i = 1; i < 249; i++) replay.updatePriorities(batch, new Float32Array([1, 1, 1, 1]));
    expect(replay.sampler.state()).toEqual({ maxWeight: 4, updatesSinceReset: 249 });
    replay.updatePriorities(batch, new Float32Array([1, 1, 243, 1]));
    replay.updatePriorities(batch, new Float32Array([1, 1, 1, 1]));
    const { maxWeight, updatesSinceReset } = replay.sampler.state();
    expect(maxWeight).toBeCloseTo(9, 12); // 243^0.4, held at the 250th update
    expect(updatesSinceReset).toBe(1);
  });
});
