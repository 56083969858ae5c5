import { createHash } from "node:crypto";
import { z } from "zod";
import type { TrainStep } from "../compile/train-step.ts";
import type { RandomState, RandomStream } from "../math/random.ts";
import type { StatisticsState } from "../math/running-statistics.ts";
import type { LimiterExplanation } from "../replay/rate-limiter.ts";
import { type ActorCursors, cursorsSchema } from "./actor-cursors.ts";
import type { CheckpointStore, WrittenCheckpoint } from "./checkpoint/checkpoint-store.ts";
import type { Checkpoint } from "./checkpoint/read-checkpoint.ts";
import type { SnapshotContents } from "./checkpoint/write-checkpoint.ts";
import type { CutMemory } from "./cut-memory.ts";
import { type DrmState, drmStateSchema } from "./drm/drm-state.ts";
import { concatenate, type PolicyExporter } from "./export-policy.ts";
import type { Intervention, Progress } from "./learner.ts";
import type { EvaluationScore, PolicySnapshot } from "./learner-task.ts";
import type { ObservationNormalizer } from "./observation-normalizer.ts";
import { POLICY_FILE } from "./policy-graph.ts";
import { type RewardScaler, rewardScalerSchema } from "./reward-scaler.ts";

/** Everything that a checkpoint covers; whoever holds these holds the learner's whole state. */
export interface CutParts {
  readonly progress: Progress;
  readonly step: TrainStep;
  /** What is remembered of what actors sent. */
  readonly memory: CutMemory;
  readonly normalizer: ObservationNormalizer;
  /** Left out where rewards stay as they are. */
  readonly rewardScaler?: RewardScaler;
  readonly sampling: RandomStream;
  readonly noise: RandomStream;
  readonly store: CheckpointStore;
  readonly exporter: PolicyExporter;
  /** What is evaluated in place of the exported policy, and the groups it is made of. */
  readonly evaluated?: { readonly exporter: PolicyExporter; readonly groups: readonly string[] };
  /** Where actors on other machines stand; left out in one process. */
  readonly cursors?: ActorCursors;
  /** Left out where nothing but gradient steps changes the parameters. */
  readonly intervention?: Intervention & { state(): DrmState | undefined };
  /** The configuration, for whoever reads the checkpoint alone. */
  readonly config: unknown;
}

const statisticsSchema = z.strictObject({
  count: z.number(),
  mean: z.array(z.number()).readonly(),
  squares: z.array(z.number()).readonly(),
}) satisfies z.ZodType<StatisticsState>;

const randomSchema = z.strictObject({
  generator: z.array(z.int()).readonly(),
  spareNormal: z.number().nullable(),
}) satisfies z.ZodType<RandomState>;

const learnerSchema = z.strictObject({
  envSteps: z.int().nonnegative(),
  learnerStep: z.int().nonnegative(),
  turns: z.int().nonnegative(),
  bestReturn: z.number().nullable(),
  normalizer: statisticsSchema.nullable(),
  sampling: randomSchema,
  noise: randomSchema,
  cursors: cursorsSchema.prefault([]),
  rewardScaler: rewardScalerSchema.optional(),
  drm: drmStateSchema.optional(),
});

/** The learner's own part of a checkpoint, `learner.json`. */
export type LearnerState = z.infer<typeof learnerSchema>;

/** @throws ZodError when the part is not what this version writes. */
export function learnerStateOf(checkpoint: Checkpoint): LearnerState {
  return learnerSchema.parse(checkpoint.json["learner"]);
}

const ACTOR_FILE = "actor.msgpack";

/** The deterministic mode's actor state, empty when the checkpoint has none. */
export function actorSnapshotOf(checkpoint: Checkpoint): Uint8Array {
  return checkpoint.files[ACTOR_FILE] ?? new Uint8Array(0);
}

/** Takes and writes consistent cuts of the learner; to be used between two updates only. */
export class Cut {
  readonly #parts: CutParts;
  /** Snapshots whose evaluation has not come back, by learner step. */
  readonly #evaluating = new Map<number, SnapshotContents>();
  #bestReturn: number | null;

  constructor(parts: CutParts, bestReturn: number | null) {
    this.#parts = parts;
    this.#bestReturn = bestReturn;
  }

  get progress(): Progress {
    return this.#parts.progress;
  }

  /** Who waits for whom. */
  explain(): LimiterExplanation {
    return this.#parts.memory.explain();
  }

  /** @throws RunError DISK_FULL; earlier checkpoints stay valid. */
  write(): WrittenCheckpoint {
    const { memory, store, progress } = this.#parts;
    const saved = memory.save();
    const snapshot = this.#snapshot();
    const actor = progress.actorSnapshot;
    return store.write({
      ...snapshot,
      tensors: { ...snapshot.tensors, ...saved.tensors },
      json: { ...snapshot.json, ...saved.json },
      files: { ...snapshot.files, ...(actor.length > 0 ? { [ACTOR_FILE]: actor } : {}) },
      replay: saved.replay,
    });
  }

  writeMilestone(): WrittenCheckpoint {
    return this.#parts.store.writeMilestone(this.#snapshot());
  }

  /** The policy for an evaluation; what it was taken from is kept until `keepIfBest` has its score. */
  policySnapshot(): PolicySnapshot {
    const { learnerStep, envSteps } = this.#parts.progress;
    const snapshot = this.#snapshot();
    this.#evaluating.set(learnerStep, snapshot);
    const model = this.#evaluatedModel() ?? snapshot.files?.[POLICY_FILE] ?? new Uint8Array(0);
    return { learnerStep, envSteps, model };
  }

  #evaluatedModel(): Uint8Array | undefined {
    const { evaluated, step, normalizer } = this.#parts;
    if (!evaluated) return undefined;
    const parameters = concatenate(evaluated.groups.map((group) => step.parameters(group)));
    return evaluated.exporter.encode({ parameters, normalizer: normalizer.published() });
  }

  /** Snapshots whose evaluation has not come back. */
  get pendingEvaluations(): number {
    return this.#evaluating.size;
  }

  /** Stores the evaluated snapshot if it is the best so far. */
  keepIfBest({ learnerStep, meanReturn }: EvaluationScore): boolean {
    const snapshot = this.#evaluating.get(learnerStep);
    this.#evaluating.delete(learnerStep);
    // An evaluation that failed comes back as NaN, which is above nothing.
    if (!snapshot || !(meanReturn > (this.#bestReturn ?? -Infinity))) return false;
    this.#parts.store.writeBest(snapshot);
    this.#bestReturn = meanReturn;
    return true;
  }

  /** SHA-256 of all that the future depends on: equal digests, equal runs from here on. */
  digest(): string {
    const { progress, step, memory } = this.#parts;
    const hash = createHash("sha256");
    for (const [name, { data }] of Object.entries(step.exportState()).sort(byName)) {
      hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    hash.update(memory.digest());
    // What evaluations found is no input of the future, and arrives when it arrives.
    hash.update(JSON.stringify({ ...this.#state(), bestReturn: null }));
    hash.update(progress.actorSnapshot);
    return hash.digest("hex");
  }

  #snapshot(): SnapshotContents {
    const { progress, step, config, exporter, normalizer } = this.#parts;
    const weights = {
      parameters: step.published(),
      normalizer: normalizer.published(),
    };
    return {
      learnerStep: progress.learnerStep,
      envSteps: progress.envSteps,
      tensors: step.exportState(),
      json: { learner: this.#state(), config },
      files: { [POLICY_FILE]: exporter.encode(weights) },
    };
  }

  #state(): LearnerState {
    const { progress, normalizer, rewardScaler, sampling, noise, cursors } = this.#parts;
    const drm = this.#parts.intervention?.state();
    const { envSteps, learnerStep, turns } = progress;
    return {
      envSteps,
      learnerStep,
      turns,
      bestReturn: this.#bestReturn,
      normalizer: normalizer.state(),
      sampling: sampling.state(),
      noise: noise.state(),
      cursors: cursors?.state() ?? [],
      ...(rewardScaler ? { rewardScaler: rewardScaler.state() } : {}),
      ...(drm ? { drm } : {}),
    };
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
