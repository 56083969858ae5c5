import { isOnPolicy, ON_POLICY_COLUMNS } from "../config/on-policy.ts";
import type { ImageSpace, Space } from "../envs/env.ts";
import { observationRows, type RowShape, rowBytes, type UnrollShape } from "../protocol.ts";
import { allocateInProcess, type InProcessMemory } from "../transport/in-process.ts";
import type { LearnerTask } from "./learner-task.ts";

/** Room for one actor's state in a frame of the deterministic mode. */
const SNAPSHOT_BYTES = 1 << 18;
/** Unrolls a local actor may have on the way; more would only make them older. */
const SLOTS_PER_STREAM = 2;
/** The queue of all actors on other machines: bytes, and slots at the least and at the most. */
const QUEUE_BYTES = 32 << 20;
const [QUEUE_SLOTS_MIN, QUEUE_SLOTS_MAX] = [64, 4096];

/** The memory that the learner shares with whoever acts: mailboxes, policy board, doorbell. */
export function allocateMemory(task: LearnerTask, parameterCount: number): InProcessMemory {
  const { config, settings } = task;
  const { envsPerActor } = config.actors;
  const shape = unrollShapeOf(task);
  // In a cluster everything comes through one queue, in the order of the log.
  const mailboxes =
    settings.role === "local"
      ? { actors: settings.actors, slotsPerActor: SLOTS_PER_STREAM * envsPerActor }
      : { actors: 1, slotsPerActor: queueSlots(shape) };
  return allocateInProcess({
    ...mailboxes,
    shape,
    parameterCount,
    snapshotBytes: config.deterministic ? SNAPSHOT_BYTES * envsPerActor : 0,
  });
}

function queueSlots(shape: UnrollShape): number {
  const { actionSize, unrollLength } = shape;
  const bytes = observationRows(shape, unrollLength) * (rowBytes(shape) + 4 * (actionSize + 3));
  return Math.max(QUEUE_SLOTS_MIN, Math.min(Math.floor(QUEUE_BYTES / bytes), QUEUE_SLOTS_MAX));
}

export function unrollShapeOf({
  config,
  observationSize,
  image,
  actionSpace,
}: Pick<LearnerTask, "config" | "observationSize" | "image" | "actionSpace">): UnrollShape {
  const { unrollLength } = config.actors;
  return {
    ...rowShape(observationSize, image),
    ...{ actionSize: actionSizeOf(actionSpace), unrollLength },
    ...(isOnPolicy(config) ? { extras: ON_POLICY_COLUMNS, freeActions: true } : {}),
  };
}

/** How observations lie in unrolls and in replay: whole, or as the frames that they are stacks of. */
export function rowShape(observationSize: number, image: ImageSpace | undefined): RowShape {
  if (image === undefined) return { observationSize };
  return { observationSize: observationSize / image.stack, frameStack: image.stack };
}

export function actionSizeOf(actionSpace: Space): number {
  return actionSpace.kind === "box" ? actionSpace.size : 1;
}
