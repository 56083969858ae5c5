import { type AlgorithmOptions, makeAlgorithm } from "../algorithms/registry.ts";
import { sacDefaults } from "../algorithms/sac.ts";
import type { Space } from "../envs/env.ts";
import { RandomStream } from "../math/random.ts";
import type { ProgramOptions } from "./program.ts";
import { TrainStep } from "./train-step.ts";

export interface LearnerBenchmarkOptions {
  readonly threads?: number;
  /** Updates that are timed, after a tenth as many to warm up. */
  readonly updates?: number;
  /** See `ProgramOptions.profilePrefix`. */
  readonly profilePrefix?: string;
}

/** In the form that `troupe bench learner --json` prints. */
export interface LearnerBenchmark {
  readonly updates_per_second: number;
  readonly threads: number;
  /** What the update is of. */
  readonly observation_size: number;
  readonly action_size: number;
  readonly batch_size: number;
  readonly hidden: readonly number[];
}

const SIZES = { observationSize: 17, actionSize: 6, batchSize: 256 };
const ACTIONS: Space = {
  kind: "box",
  size: SIZES.actionSize,
  low: new Float32Array(SIZES.actionSize).fill(-1),
  high: new Float32Array(SIZES.actionSize).fill(1),
};
/** Transitions to draw from; as many as the peers' scripts hold. */
const STORED = 20_000;

/** An algorithm at HalfCheetah's sizes that can be asked for updates, for as long as it is measured. */
export class BenchmarkedLearner implements AsyncDisposable {
  readonly #step: TrainStep;
  readonly #inputs: RandomInputs;

  private constructor(step: TrainStep) {
    this.#step = step;
    this.#inputs = new RandomInputs(step);
  }

  static async open(
    options: AlgorithmOptions,
    program: ProgramOptions = {},
  ): Promise<BenchmarkedLearner> {
    const algorithm = makeAlgorithm("sac", options, { ...SIZES, actionSpace: ACTIONS });
    const step = await TrainStep.create(algorithm, {
      random: RandomStream.derive(0, "parameters"),
      ...program,
    });
    return new BenchmarkedLearner(step);
  }

  /** Draws batch and noise and updates, `count` times; returns the seconds that took. */
  async update(count: number): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      this.#inputs.draw();
      const { finite } = await this.#step.step(this.#inputs.batch, this.#inputs.noise);
      if (!finite) throw new Error("the benchmark's update is not finite");
    }
    return (performance.now() - start) / 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#step[Symbol.asyncDispose]();
  }
}

/**
 * SAC updates per second at HalfCheetah's sizes: drawing the batch and the noise, both stages, Adam on
 * all groups, temperature and slow copies.
 */
export async function benchmarkLearner(
  options: LearnerBenchmarkOptions = {},
): Promise<LearnerBenchmark> {
  const { threads = 1, updates = 300, profilePrefix } = options;
  await using learner = await BenchmarkedLearner.open(
    {},
    { threads, ...(profilePrefix ? { profilePrefix } : {}) },
  );
  await learner.update(Math.ceil(updates / 10));
  const seconds = await learner.update(updates);
  return {
    updates_per_second: Math.round((10 * updates) / seconds) / 10,
    threads,
    observation_size: SIZES.observationSize,
    action_size: SIZES.actionSize,
    batch_size: SIZES.batchSize,
    hidden: sacDefaults.hidden,
  };
}

/** Batches drawn uniformly from stored normals, and fresh noise. */
class RandomInputs {
  readonly batch: Record<string, Float32Array>;
  readonly noise: Record<string, Float32Array>;
  readonly #random = RandomStream.derive(0, "benchmark");
  readonly #columns: readonly {
    readonly source: Float32Array;
    readonly target: Float32Array;
    readonly width: number;
  }[];

  constructor(step: TrainStep) {
    this.batch = step.createBatch();
    this.noise = step.createNoise();
    this.#columns = Object.entries(this.batch).map(([name, target]) => {
      const width = target.length / SIZES.batchSize;
      const source = new Float32Array(STORED * width);
      if (name === "importanceWeights") source.fill(1);
      else if (name === "bootstrapDiscounts") source.fill(0.99);
      else this.#random.fillNormal(source);
      return { source, target, width };
    });
  }

  draw(): void {
    for (let row = 0; row < SIZES.batchSize; row++) {
      const from = this.#random.integer(STORED);
      for (const { source, target, width } of this.#columns) {
        for (let k = 0; k < width; k++) target[row * width + k] = source[from * width + k] ?? 0;
      }
    }
    for (const column of Object.values(this.noise)) this.#random.fillNormal(column);
  }
}
