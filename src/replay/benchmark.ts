import { RandomStream } from "../math/random.ts";
import type { Unroll, UnrollShape } from "../protocol.ts";
import type { ReplayBatch } from "./batch.ts";
import { Replay, type ReplayOptions } from "./replay.ts";
import { LAP, PRIORITIZED, type Sampling } from "./sampler.ts";

export interface ReplayBenchmarkOptions {
  readonly capacity: number;
  readonly batchSize: number;
  readonly sampling: Sampling["kind"];
  /** Batches timed. */
  readonly batches: number;
}

/** HalfCheetah-v5, the sizes that the project's figures are about. */
export const BENCHMARK_DEFAULTS: ReplayBenchmarkOptions = {
  capacity: 1_000_000,
  batchSize: 256,
  sampling: "prioritized",
  batches: 2000,
};

export interface ReplayBenchmark extends ReplayBenchmarkOptions {
  readonly observationSize: number;
  readonly actionSize: number;
  /** One draw with its gather, and one update of its priorities; medians and minima. */
  readonly batchMicroseconds: Spread;
  readonly sampleMicroseconds: Spread;
  readonly prioritiesMicroseconds: Spread;
  /** Into a full ring, eviction included, by steps per unroll. */
  readonly insertMicrosecondsPerUnroll: Readonly<Record<"8" | "64", number>>;
  readonly batchesPerSecond: number;
  readonly transitions: number;
  /** Growth of resident memory while replay was filled. */
  readonly residentMegabytes: number;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
}

const SIZES = { observationSize: 17, actionSize: 6 };

/**
 * Times replay at HalfCheetah's sizes. Between batches as much memory is read as an update's parameters,
 * gradients and moments take, so that replay finds the caches as it would in training.
 */
export function benchmarkReplay(changes: Partial<ReplayBenchmarkOptions> = {}): ReplayBenchmark {
  const options = { ...BENCHMARK_DEFAULTS, ...changes };
  const random = RandomStream.derive(0, "benchmark", "replay");
  const residentBefore = process.memoryUsage().rss;
  const replay = new Replay(replayOptions(options, 8));
  fill(replay, random);
  const resident = process.memoryUsage().rss - residentBefore;
  const { sample, priorities } = timeBatches(replay, random, options.batches);
  const both = sample.map((microseconds, i) => microseconds + priorities[i]!);
  const long = new Replay(replayOptions({ ...options, capacity: options.capacity / 10 }, 64));
  fill(long, random);
  const batch = spread(both);
  return {
    ...options,
    ...SIZES,
    batchMicroseconds: batch,
    sampleMicroseconds: spread(sample),
    prioritiesMicroseconds: spread(priorities),
    insertMicrosecondsPerUnroll: {
      "8": timeInserts(replay, random),
      "64": timeInserts(long, random),
    },
    batchesPerSecond: Math.round(1e6 / batch.median),
    transitions: replay.size,
    residentMegabytes: Math.round(resident / 1e6),
  };
}

export function replayOptions(
  options: Omit<ReplayBenchmarkOptions, "batches">,
  unrollLength: number,
): ReplayOptions {
  const { capacity, batchSize, sampling } = options;
  const strategies = { uniform: { kind: "uniform" }, prioritized: PRIORITIZED, lap: LAP } as const;
  return {
    ...SIZES,
    capacity,
    batchSize,
    unrollLength,
    sampling: strategies[sampling],
    nSteps: 1,
    gamma: 0.99,
  };
}

/** Inserts a third more than the ring holds, so that it is full and its seam lies inside. */
export function fill(replay: Replay, random: RandomStream): void {
  const unrolls = randomUnrolls(replay.options, random);
  const steps = 1.33 * replay.options.capacity;
  for (let step = 0, i = 0; step < steps; step += replay.options.unrollLength, i++) {
    replay.insert(unrolls[i % unrolls.length]!);
  }
}

export function randomUnrolls(shape: UnrollShape, random: RandomStream): Unroll[] {
  const { observationSize, actionSize, unrollLength: length } = shape;
  return Array.from({ length: 64 }, (_, env) => {
    const observations = new Float32Array((length + 1) * observationSize);
    random.fillNormal(observations);
    return {
      actor: 0,
      env,
      length,
      observations,
      actions: Float32Array.from({ length: length * actionSize }, () => 2 * random.uniform() - 1),
      rewards: Float32Array.from({ length }, () => random.normal()),
      terminated: new Uint8Array(length),
      truncated: new Uint8Array(length),
      policyVersions: new Int32Array(length),
    };
  });
}

function timeBatches(replay: Replay, random: RandomStream, count: number) {
  const batch = replay.createBatch();
  const swept = new Float32Array(1 << 20).fill(1);
  const sample: number[] = [];
  const priorities: number[] = [];
  const warmUp = Math.ceil(count / 4);
  for (let i = -warmUp; i < count; i++) {
    const tdErrors = randomErrors(batch, random);
    swept.reverse();
    const start = performance.now();
    replay.sample(batch, random, 0.5);
    const drawn = performance.now();
    replay.updatePriorities(batch, tdErrors);
    const end = performance.now();
    if (i < 0) continue;
    sample.push(1000 * (drawn - start));
    priorities.push(1000 * (end - drawn));
  }
  return { sample, priorities };
}

function randomErrors(batch: ReplayBatch, random: RandomStream): Float32Array {
  const tdErrors = new Float32Array(batch.size);
  random.fillNormal(tdErrors);
  return tdErrors;
}

/** Microseconds for one unroll, the median of blocks of 200. */
function timeInserts(replay: Replay, random: RandomStream): number {
  const unrolls = randomUnrolls(replay.options, random);
  const blocks = Array.from({ length: 50 }, () => {
    const start = performance.now();
    for (let i = 0; i < 200; i++) replay.insert(unrolls[i % unrolls.length]!);
    return (1000 * (performance.now() - start)) / 200;
  });
  return spread(blocks).median;
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, min: sorted[0]! };
}
