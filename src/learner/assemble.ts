import type { Algorithm } from "../algorithms/algorithm.ts";
import { hasNoiseSchedule } from "../algorithms/exploration-noise.ts";
import { publishedGroup } from "../algorithms/published-group.ts";
import { makeAlgorithm } from "../algorithms/registry.ts";
import type { StateTensor, TrainState } from "../compile/parameter-store.ts";
import { TrainStep } from "../compile/train-step.ts";
import { readMachine } from "../config/machine.ts";
import { isOnPolicy } from "../config/on-policy.ts";
import type { Config } from "../config/schema.ts";
import { ActionScale } from "../envs/action-scale.ts";
import { RunError } from "../errors.ts";
import { RandomStream } from "../math/random.ts";
import { defaultNormaliserOptions } from "../math/running-statistics.ts";
import { MetricsRecorder } from "../metrics/recorder.ts";
import { normalisedSize } from "../protocol.ts";
import { SealBarrier } from "../replay/log/seal-barrier.ts";
import { checkTerm } from "../storage/run-lock.ts";
import type { Delivery } from "../transport/gateway/gateway-task.ts";
import { InProcessLearnerLink, type InProcessMemory } from "../transport/in-process.ts";
import { ActorCursors } from "./actor-cursors.ts";
import { algorithmOptions } from "./algorithm-options.ts";
import { CheckpointStore } from "./checkpoint/checkpoint-store.ts";
import type { Checkpoint } from "./checkpoint/read-checkpoint.ts";
import { type ChoresOptions, LearnerChores } from "./chores.ts";
import { actorSnapshotOf, Cut, type CutParts, type LearnerState, learnerStateOf } from "./cut.ts";
import { DrmIntervention, type DrmParts } from "./drm/drm-intervention.ts";
import { joinGroups, PolicyExporter, type PolicyShape } from "./export-policy.ts";
import type { LearnerLoop } from "./learner.ts";
import { allocateMemory, unrollShapeOf } from "./learner-memory.ts";
import type { LearnerEvent, LearnerTask } from "./learner-task.ts";
import { loadPlugins, noPlugins } from "./load-plugins.ts";
import { NoiseSchedule } from "./noise-schedule.ts";
import { NonFiniteGuard } from "./non-finite-guard.ts";
import {
  NormalizedObservations,
  type ObservationNormalizer,
  RawObservations,
} from "./observation-normalizer.ts";
import { openOffPolicy } from "./off-policy.ts";
import { openOnPolicy } from "./on-policy/open-on-policy.ts";
import { makeRewardScaler } from "./reward-scaler.ts";
import { rewardScalerOptions } from "./reward-scaler-options.ts";

/** A learner ready to run, and what its thread needs of it. */
export interface AssembledLearner extends AsyncDisposable {
  readonly learner: LearnerLoop;
  readonly chores: LearnerChores;
  readonly cut: Cut;
  readonly memory: InProcessMemory;
  /** How frames from other machines become safe; undefined in one process. */
  readonly delivery: Delivery | undefined;
  readonly algorithm: Algorithm;
  /** One sentence for each thing that was not as it should be, e.g. a damaged checkpoint. */
  readonly warnings: readonly string[];
}

/**
 * Puts a learner together from a configuration and, when the run goes on, from its newest checkpoint.
 *
 * @throws RunError OUT_OF_MEMORY, CONFIG_INVALID, CHECKPOINT_CORRUPT, CHECKPOINT_INCOMPATIBLE.
 */
export async function assembleLearner(
  task: LearnerTask,
  emit: (event: LearnerEvent) => void,
): Promise<AssembledLearner> {
  const { config, settings, folder } = task;
  const machine = readMachine();
  const store = new CheckpointStore({
    runFolder: folder,
    keep: config.checkpoint.keep,
    checkOwner: () => checkTerm(folder, task.term),
  });
  const restored = task.resume ? store.restore() : undefined;
  const state = restored && learnerStateOf(restored);

  const algorithm = algorithmOf(task, await loadPlugins(config));
  const step = await TrainStep.create(algorithm, {
    random: RandomStream.derive(config.seed, "parameters"),
    threads: settings.learnerThreads,
    device: config.learner.device,
  });
  if (restored) step.importState(trainStateOf(restored));
  const recorder = new MetricsRecorder();
  const barrier = settings.durability === "log" ? SealBarrier.allocate() : undefined;
  const side = isOnPolicy(config)
    ? await openOnPolicy(task, { algorithm, restored })
    : openOffPolicy(task, { machine, store, restored, barrier, recorder });
  // What a crash left between writing a segment and the checkpoint that would have listed it.
  store.removeUnlistedReplay(new Set());
  const warn = (message: string): void => emit({ type: "warning", message });
  const parts: CutParts = {
    memory: side.memory,
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
    ...rewardScalerOf(task, state),
    ...interventionOf(task, state, {
      ...{ step, recorder, warn },
      note: (message) => emit({ type: "note", message }),
    }),
    sampling: streamOf(config, "sampling", state),
    noise: streamOf(config, "noise", state),
    exporter: new PolicyExporter(policyShape(algorithm, task)),
    ...evaluatedOf(algorithm, task),
    ...(settings.role === "cluster" ? { cursors: new ActorCursors(state?.cursors ?? []) } : {}),
  };
  const cut = new Cut(parts, state?.bestReturn ?? null);
  const settingCount = parts.intervention?.settings(parts.progress).length ?? 0;
  const parameterCount = step.published().length + settingCount;
  const memory = allocateMemory(task, parameterCount);
  const link = new InProcessLearnerLink(memory);
  const { meter } = side;
  const chores = new LearnerChores(choresOptions(config), { cut, link, recorder, meter, emit });
  const guard = new NonFiniteGuard({
    folder,
    recorder,
    maxInARow: config.learner.maxNonFinite,
    maxRollbacks: config.learner.maxRollbacks,
    warn,
    rollBack: () => {
      const last = store.restore();
      if (last) step.importState(trainStateOf(last));
      return last !== undefined;
    },
  });
  return {
    learner: side.open({ ...parts, chores, recorder, link, guard }),
    chores,
    cut,
    memory,
    delivery: settings.role === "local" ? undefined : side.delivery(parts.cursors),
    algorithm,
    warnings: restored?.warnings ?? [],
    [Symbol.asyncDispose]: async () => {
      await side[Symbol.asyncDispose]();
      await step[Symbol.asyncDispose]();
    },
  };
}

/** @throws RunError CONFIG_INVALID when the algorithm cannot handle the environment's actions. */
export function algorithmOf(
  task: Pick<LearnerTask, "config" | "observationSize" | "image" | "actionSpace">,
  plugins = noPlugins,
): Algorithm {
  const { config, observationSize, image, actionSpace } = task;
  const { name, batchSize, normalizeObservations } = config.algorithm;
  if (image && normalizeObservations) {
    throw new RunError(
      "CONFIG_INVALID",
      "algorithm.normalizeObservations is true, but pixels need no statistics; set it to false",
    );
  }
  const problem = { observationSize, image, actionSpace, batchSize };
  return makeAlgorithm(name, algorithmOptions(config, plugins), problem);
}

/** What makes the algorithm's policy one for the environment's own units. */
export function policyShape(
  algorithm: Algorithm,
  { config, actionSpace }: Pick<LearnerTask, "config" | "actionSpace">,
): PolicyShape {
  const { policy } = algorithm;
  const scale = new ActionScale({ id: config.env.id, actionSpace });
  const { normalizeObservations } = config.algorithm;
  return {
    policy,
    group: publishedGroup(algorithm),
    scale,
    clip: normalizeObservations ? defaultNormaliserOptions.clip : undefined,
  };
}

/** The policy with its critics, where evaluations let them choose. */
function evaluatedOf(algorithm: Algorithm, task: LearnerTask): Pick<CutParts, "evaluated"> {
  const { bestOf } = task.config.evaluation;
  if (bestOf === 1) return {};
  const shape = chooserShape(algorithm, task, bestOf);
  const groups = shape.chooser?.groups ?? [];
  return { evaluated: { exporter: new PolicyExporter(shape), groups } };
}

/**
 * `policyShape` of the policy that takes the best of several draws.
 * @throws RunError CONFIG_INVALID when the algorithm's critics do not judge actions.
 */
export function chooserShape(
  algorithm: Algorithm,
  task: Pick<LearnerTask, "config" | "actionSpace">,
  candidates: number,
): PolicyShape {
  const chooser = algorithm.chooser?.(candidates);
  if (!chooser) {
    const reason = `${algorithm.name} has no critic that judges actions, to choose among ${candidates}`;
    throw new RunError("CONFIG_INVALID", reason);
  }
  const groups = algorithm.groups.filter(({ name }) => chooser.groups.includes(name));
  const ordered = chooser.groups.flatMap((name) => groups.filter((group) => group.name === name));
  return { ...policyShape(algorithm, task), group: joinGroups(ordered), chooser };
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
  if (!task.config.algorithm.normalizeObservations) {
    return new RawObservations(normalisedSize(unrollShapeOf(task)));
  }
  return new NormalizedObservations(task.observationSize, state?.normalizer ?? null);
}

function rewardScalerOf(
  { config, actionSpace }: LearnerTask,
  state: LearnerState | undefined,
): Pick<CutParts, "rewardScaler"> {
  const actionSize = actionSpace.kind === "box" ? actionSpace.size : 1;
  const options = rewardScalerOptions(config, actionSize);
  if (!options) return {};
  return { rewardScaler: makeRewardScaler(options, state?.rewardScaler) };
}

function interventionOf(
  { config }: LearnerTask,
  state: LearnerState | undefined,
  parts: DrmParts,
): Pick<CutParts, "intervention"> {
  const { drm, seed, algorithm, drqv2 } = config;
  if (drm.enabled) {
    const own = { drm, seed, learningStarts: algorithm.learningStarts };
    return { intervention: new DrmIntervention(parts, own, state?.drm) };
  }
  if (!hasNoiseSchedule(parts.step.algorithm)) return {};
  return { intervention: new NoiseSchedule(parts, drqv2.noiseSteps) };
}

function streamOf(
  { seed }: Config,
  name: "sampling" | "noise",
  state: LearnerState | undefined,
): RandomStream {
  return state ? RandomStream.fromState(state[name]) : RandomStream.derive(seed, "learner", name);
}

function choresOptions(config: Config): ChoresOptions {
  const { evaluation, checkpoint } = config;
  return {
    evaluationInterval: evaluation.interval,
    checkpointSeconds: checkpoint.intervalSeconds,
    checkpointSteps: checkpoint.intervalSteps,
    milestoneInterval: checkpoint.milestoneInterval,
    config,
  };
}
