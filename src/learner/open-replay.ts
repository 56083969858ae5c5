import { join } from "node:path";
import type { DerivedSettings } from "../config/derive.ts";
import type { Machine } from "../config/machine.ts";
import type { Config } from "../config/schema.ts";
import { ReplayArchive, type ReplayStore } from "../replay/archive.ts";
import { parseLimiterState } from "../replay/limiter-state.ts";
import { LogArchive } from "../replay/log/log-archive.ts";
import { oldestListed } from "../replay/log/log-names.ts";
import { SealBarrier } from "../replay/log/seal-barrier.ts";
import { checkReplaySize } from "../replay/memory.ts";
import { RateLimiter } from "../replay/rate-limiter.ts";
import { Replay, type ReplayOptions } from "../replay/replay.ts";
import { guaranteedSize } from "../replay/ring.ts";
import { LAP, PRIORITIZED, type Sampling } from "../replay/sampler.ts";
import type { CheckpointStore } from "./checkpoint/checkpoint-store.ts";
import type { Checkpoint } from "./checkpoint/read-checkpoint.ts";
import type { Remembered } from "./cut-memory.ts";
import { actionSizeOf, rowShape } from "./learner-memory.ts";
import type { LearnerTask } from "./learner-task.ts";

export interface OpenReplayFrom {
  readonly machine: Machine;
  readonly store: CheckpointStore;
  readonly restored: Checkpoint | undefined;
  /** Present when the log of unrolls is replay's archive, too. */
  readonly barrier: SharedArrayBuffer | undefined;
}

/**
 * What is remembered: new, or as the checkpoint has it.
 *
 * @throws RunError OUT_OF_MEMORY, CONFIG_INVALID, CHECKPOINT_CORRUPT, CHECKPOINT_INCOMPATIBLE.
 */
export function openReplay(
  task: LearnerTask,
  { machine, store, restored, barrier }: OpenReplayFrom,
): Remembered {
  const { config, settings, folder } = task;
  const { batchSize, nStep, gamma, learningStarts } = config.algorithm;
  const options: ReplayOptions = {
    capacity: config.replay.capacity,
    ...rowShape(task.observationSize, task.image),
    actionSize: actionSizeOf(task.actionSpace),
    unrollLength: config.actors.unrollLength,
    sampling: samplingOf(config, settings),
    batchSize,
    nSteps: nStep,
    gamma,
  };
  checkReplaySize(options, 0.8 * machine.memoryBytes);
  const archive = openArchive(join(folder, "replay"), barrier, store);
  const replay = restored ? archive.restore(options, restored.json["replay"]) : new Replay(options);
  const limits = {
    samplesPerInsert: settings.samplesPerInsert,
    minSize: Math.max(learningStarts, 1),
    errorBuffer: settings.errorBuffer,
    batchSize,
    unrollLength: config.actors.unrollLength,
    guaranteedSize: guaranteedSize(options),
  };
  const size = (): number => replay.size;
  const limiter = restored
    ? RateLimiter.restore(limits, size, parseLimiterState(restored.json["limiter"]))
    : new RateLimiter(limits, size);
  return { replay, archive, limiter };
}

function samplingOf({ replay }: Config, { priorityExponent }: DerivedSettings): Sampling {
  switch (replay.sampling) {
    case "uniform":
      return { kind: "uniform" };
    case "prioritized":
      return { ...PRIORITIZED, priorityExponent };
    case "lap":
      return { ...LAP, priorityExponent };
  }
}

/** Sealing takes milliseconds; a disk that cannot be written must not keep a stopping learner. */
const SEAL_TIMEOUT_MS = 4_000;

function openArchive(
  folder: string,
  barrier: SharedArrayBuffer | undefined,
  store: CheckpointStore,
): ReplayStore {
  if (barrier === undefined) return new ReplayArchive(folder);
  return new LogArchive(folder, new SealBarrier(barrier), {
    keptFrom: () => oldestListed(store.listedReplay()),
    timeoutMs: SEAL_TIMEOUT_MS,
  });
}
