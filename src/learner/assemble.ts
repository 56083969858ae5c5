import { join } from "node:path";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { makeAlgorithm } from "../algorithms/registry.ts";
import type { StateTensor, TrainState } from "../compile/parameter-store.ts";
import { TrainStep } from "../compile/train-step.ts";
import { type DerivedSettings, deriveSettings } from "../config/derive.ts";
import { type Machine, readMachine } from "../config/machine.ts";
import type { Config } from "../config/schema.ts";
import { ActionScale } from "../envs/action-scale.ts";
import { RunError } from "../errors.ts";
import { RandomStream } from "../math/random.ts";
import { defaultNormaliserOptions } from "../math/running-statistics.ts";
import { MetricsRecorder } from "../metrics/recorder.ts";
import { ReplayArchive } from "../replay/archive.ts";
import { parseLimiterState } from "../replay/limiter-state.ts";
import { checkReplaySize } from "../replay/memory.ts";
import { RateLimiter } from "../replay/rate-limiter.ts";
import { Replay, type ReplayOptions } from "../replay/replay.ts";
import { guaranteedSize } from "../replay/ring.ts";
import { LAP, PRIORITIZED, type Sampling } from "../replay/sampler.ts";
import {
  allocateInProcess,
  InProcessLearnerLink,
  type InProcessMemory,
} from "../transport/in-process.ts";
import { CheckpointStore } from "./checkpoint/checkpoint-store.ts";
import type { Checkpoint } from "./checkpoint/read-checkpoint.ts";
import { LearnerChores } from "./chores.ts";
import { actorSnapshotOf, Cut, type CutParts, type LearnerState, learnerStateOf } from "./cut.ts";
import { PolicyExporter, type PolicyShape } from "./export-policy.ts";
import { Learner } from "./learner.ts";
import type { LearnerEvent, LearnerTask } from "./learner-task.ts";
import { NonFiniteGuard } from "./non-finite-guard.ts";
import {
  NormalizedObservations,
  type ObservationNormalizer,
  RawObservations,
} from "./observation-normalizer.ts";
import { FreePace, TurnPace } from "./pace.ts";
import { ReplayMeter } from "./replay-meter.ts";

/** A learner ready to run, and what its thread needs of it. */
export interface AssembledLearner extends AsyncDisposable {
  readonly learner: Learner;
  readonly chores: LearnerChores;
  readonly cut: Cut;
  readonly limiter: RateLimiter;
  readonly memory: InProcessMemory;
  readonly algorithm: Algorithm;
  /** One sentence for each thing that was not as it should be, e.g. a damaged checkpoint. */
  readonly warnings: readonly string[];
}

/** Room for one actor's state in a frame of the deterministic mode. */
const SNAPSHOT_BYTES = 1 << 18;
/** Unrolls an actor may have on the way; more would only make them older. */
const SLOTS_PER_STREAM = 2;

/**
 * Puts a learner together from a configuration and, when the run goes on, from its newest checkpoint.
 *
 * @throws RunError OUT_OF_MEMORY, CONFIG_INVALID, CHECKPOINT_CORRUPT, CHECKPOINT_INCOMPATIBLE.
 */
export async function assembleLearner(
  task: LearnerTask,
  emit: (event: LearnerEvent) => void,
): Promise<AssembledLearner> {
  const { config, folder } = task;
  const machine = readMachine();
  const settings = deriveSettings(config, machine);
  const store = new CheckpointStore({ runFolder: folder, keep: config.checkpoint.keep });
  const restored = task.resume ? store.restore() : undefined;
  const state = restored && learnerStateOf(restored);

  const algorithm = algorithmOf(task);
  const step = await TrainStep.create(algorithm, {
    random: RandomStream.derive(config.seed, "parameters"),
    threads: settings.learnerThreads,
    device: config.learner.device,
  });
  if (restored) step.importState(trainStateOf(restored));
  const remembered = openReplay(task, settings, { machine, restored });
  // What a crash left between writing a segment and the checkpoint that would have listed it.
  store.removeUnlistedReplay(new Set());
  const parts: CutParts = {
    ...remembered,
    step,
    store,
    config,
    progress: {
      envSteps: state?.envSteps ?? 0,
      learnerStep: state?.learnerStep ?? 0,
      turns: state?.turns ?? 0,
      actorSnapshot: restored ? actorSnapshotOf(restored) : new Uint8Array(0),
    },
    normalizer: normalizerOf(task, state),
    sampling: streamOf(config, "sampling", state),
    noise: streamOf(config, "noise", state),
    policyGroup: algorithm.policy.group,
    exporter: new PolicyExporter(policyShape(algorithm, task)),
  };
  const recorder = new MetricsRecorder();
  const cut = new Cut(parts, state?.bestReturn ?? null);
  const memory = memoryFor(task, settings, step.parameters(parts.policyGroup).length);
  const link = new InProcessLearnerLink(memory);
  const meter = new ReplayMeter(parts.replay, recorder);
  const chores = new LearnerChores(choresOptions(config), { cut, link, recorder, meter, emit });
  const learner = new Learner(
    {
      ...parts,
      chores,
      recorder,
      meter,
      link,
      pace: new (config.deterministic ? TurnPace : FreePace)(
        parts.limiter,
        config.algorithm.batchSize,
      ),
      guard: new NonFiniteGuard({
        folder,
        recorder,
        maxInARow: config.learner.maxNonFinite,
        maxRollbacks: config.learner.maxRollbacks,
        warn: (message) => emit({ type: "warning", message }),
        rollBack: () => {
          const last = store.restore();
          if (last) step.importState(trainStateOf(last));
          return last !== undefined;
        },
      }),
    },
    {
      totalSteps: config.totalSteps,
      learningStarts: config.algorithm.learningStarts,
      publishInterval: config.learner.publishInterval,
      importanceExponent: config.replay.importanceExponent,
    },
  );
  return {
    learner,
    chores,
    cut,
    limiter: parts.limiter,
    memory,
    algorithm,
    warnings: restored?.warnings ?? [],
    [Symbol.asyncDispose]: () => step[Symbol.asyncDispose](),
  };
}

/** @throws RunError CONFIG_INVALID when the algorithm cannot handle the environment's actions. */
export function algorithmOf({
  config,
  observationSize,
  actionSpace,
}: Pick<LearnerTask, "config" | "observationSize" | "actionSpace">): Algorithm {
  const { name, initialTemperature, targetEntropy, ...rest } = config.algorithm;
  const { hidden, learningRates, adam, tau, temperatureLoss, logStdMin, logStdMax } = rest;
  const { batchSize } = rest;
  return makeAlgorithm(
    name,
    {
      ...{ hidden, learningRates, adam, tau, temperatureLoss, logStdMin, logStdMax },
      ...{ initialTemperature, targetEntropy },
      criticLoss: config.replay.sampling === "lap" ? "huber" : "squared",
    },
    { observationSize, actionSpace, batchSize },
  );
}

function openReplay(
  task: LearnerTask,
  settings: DerivedSettings,
  from: { readonly machine: Machine; readonly restored: Checkpoint | undefined },
): Pick<CutParts, "replay" | "archive" | "limiter"> {
  const { config, observationSize, folder } = task;
  const { batchSize, nStep, gamma, learningStarts } = config.algorithm;
  const options: ReplayOptions = {
    capacity: config.replay.capacity,
    observationSize,
    actionSize: actionSizeOf(task),
    unrollLength: config.actors.unrollLength,
    sampling: samplingOf(config, settings),
    batchSize,
    nSteps: nStep,
    gamma,
  };
  checkReplaySize(options, 0.8 * from.machine.memoryBytes);
  const archive = new ReplayArchive(join(folder, "replay"));
  const { restored } = from;
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

/** What makes the algorithm's policy one for the environment's own units. */
export function policyShape(
  algorithm: Algorithm,
  { config, actionSpace }: Pick<LearnerTask, "config" | "actionSpace">,
): PolicyShape {
  const { policy } = algorithm;
  const group = algorithm.groups.find(({ name }) => name === policy.group);
  if (!group) throw new RunError("INTERNAL", `${algorithm.name} has no group ${policy.group}`);
  const scale = new ActionScale({ id: config.env.id, actionSpace });
  const { normalizeObservations } = config.algorithm;
  return {
    policy,
    group,
    scale,
    clip: normalizeObservations ? defaultNormaliserOptions.clip : undefined,
  };
}

/** @throws RunError CHECKPOINT_INCOMPATIBLE when a tensor is none of a learner's. */
function trainStateOf({ tensors, name }: Checkpoint): TrainState {
  const entries = Object.entries(tensors).map(([key, { shape, data }]): [string, StateTensor] => {
    if (data instanceof Float32Array || data instanceof Float64Array) return [key, { shape, data }];
    throw new RunError("CHECKPOINT_INCOMPATIBLE", `${name}: tensor ${key} holds no floats`);
  });
  return Object.fromEntries(entries);
}

function normalizerOf(task: LearnerTask, state: LearnerState | undefined): ObservationNormalizer {
  if (!task.config.algorithm.normalizeObservations)
    return new RawObservations(task.observationSize);
  return new NormalizedObservations(task.observationSize, state?.normalizer ?? null);
}

function streamOf(
  { seed }: Config,
  name: "sampling" | "noise",
  state: LearnerState | undefined,
): RandomStream {
  return state ? RandomStream.fromState(state[name]) : RandomStream.derive(seed, "learner", name);
}

function memoryFor(
  task: LearnerTask,
  settings: DerivedSettings,
  parameterCount: number,
): InProcessMemory {
  const { config, observationSize } = task;
  const { envsPerActor, unrollLength } = config.actors;
  return allocateInProcess({
    actors: settings.actors,
    shape: { observationSize, actionSize: actionSizeOf(task), unrollLength },
    parameterCount,
    slotsPerActor: SLOTS_PER_STREAM * envsPerActor,
    snapshotBytes: config.deterministic ? SNAPSHOT_BYTES * envsPerActor : 0,
  });
}

function actionSizeOf({ actionSpace }: LearnerTask): number {
  return actionSpace.kind === "box" ? actionSpace.size : 1;
}

function choresOptions({ evaluation, checkpoint }: Config) {
  return {
    evaluationInterval: evaluation.interval,
    checkpointSeconds: checkpoint.intervalSeconds,
    checkpointSteps: checkpoint.intervalSteps,
    milestoneInterval: checkpoint.milestoneInterval,
  };
}
