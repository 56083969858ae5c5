import { RunError } from "../errors.ts";
import { type RingShape, ringRows } from "./ring.ts";
import type { Sampling } from "./sampler.ts";

export interface ReplaySizing extends RingShape {
  readonly sampling: Sampling;
  readonly batchSize: number;
}

/** Bytes of memory that a full replay takes. */
export function replayBytes(sizing: ReplaySizing): number {
  const rows = ringRows(sizing);
  const { observationSize, actionSize, frameStack } = sizing;
  const frames = frameStack === undefined ? 0 : rows * observationSize;
  const floats = (frameStack === undefined ? observationSize : 0) + actionSize + 1;
  // Flags, policy version, and at most one origin of two numbers for every two rows.
  const ring = frames + rows * (4 * floats + 1 + 4 + 4);
  // Leaves and inner nodes in use; the rest of the tree's arrays is never touched.
  const tree = sizing.sampling.kind === "uniform" ? 0 : rows * 16;
  return ring + tree;
}

/**
 * Refuses a replay that cannot work before anything is allocated.
 *
 * @param availableBytes What this process may still take, e.g. `process.availableMemory()`.
 * @throws RunError OUT_OF_MEMORY, or CONFIG_INVALID for a batch larger than replay.
 */
export function checkReplaySize(sizing: ReplaySizing, availableBytes: number): void {
  const { capacity, batchSize } = sizing;
  if (batchSize > capacity) {
    throw new RunError(
      "CONFIG_INVALID",
      `a batch of ${batchSize} is larger than a replay of ${capacity}: raise replay.capacity or lower algorithm.batchSize`,
    );
  }
  const bytes = replayBytes(sizing);
  if (bytes <= availableBytes) return;
  const fitting = Math.floor((capacity * availableBytes) / bytes);
  throw new RunError(
    "OUT_OF_MEMORY",
    `a replay of ${capacity} transitions takes ${megabytes(bytes)}, but only ${megabytes(availableBytes)} ` +
      `of memory are available: lower replay.capacity to ${fitting} or less`,
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
