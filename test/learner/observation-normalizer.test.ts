import { describe, expect, test } from "vitest";
import {
  NormalizedObservations,
  RawObservations,
} from "../../src/learner/observation-normalizer.ts";
import { createBatch } from "../../src/replay/batch.ts";
import { frameOf, shape } from "../transport/unrolls.ts";

const batchOf = (fill: number) => {
  const batch = createBatch({ ...shape, batchSize: 2 });
  batch.observations.fill(fill);
  batch.nextObservations.fill(fill + 1);
  return batch;
};

describe("NormalizedObservations", () => {
  test("scales by the statistics of the steps that reached replay, the final observation left out", () => {
    const normalizer = new NormalizedObservations(1, null);
    const unroll = {
      ...frameOf(0).unroll,
      length: 2,
      observations: Float32Array.of(1, 3, 1000),
    };
    normalizer.observe(unroll);
    expect([...normalizer.published()]).toEqual([2, 1]);
    const batch = createBatch({ observationSize: 1, actionSize: 1, batchSize: 2 });
    batch.observations.set([2, 3]);
    batch.nextObservations.set([1, 1e9]);
    normalizer.apply(batch);
    expect([...batch.observations]).toEqual([0, 1]);
    expect([...batch.nextObservations]).toEqual([-1, 10]);
  });

  test("continues from its state", () => {
    const first = new NormalizedObservations(shape.observationSize, null);
    first.observe(frameOf(1).unroll);
    const second = new NormalizedObservations(shape.observationSize, first.state());
    for (const normalizer of [first, second]) normalizer.observe(frameOf(2).unroll);
    expect(second.published()).toEqual(first.published());
    expect(second.state()).toEqual(first.state());
  });
});

describe("RawObservations", () => {
  test("leaves a batch as it is and publishes the identity", () => {
    const normalizer = new RawObservations(shape.observationSize);
    const batch = batchOf(7);
    normalizer.apply();
    expect(batch).toEqual(batchOf(7));
    expect([...normalizer.published()]).toEqual([0, 0, 0, 1, 1, 1]);
  });
});
