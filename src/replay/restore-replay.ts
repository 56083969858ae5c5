import { RunError } from "../errors.ts";
import { Replay, type ReplayOptions } from "./replay.ts";
import type { ReplayState } from "./replay-state.ts";
import { ringRows } from "./ring.ts";
import type { Sampling } from "./sampler.ts";
import { readWeights } from "./saved-weights.ts";
import { refuseUnroll } from "./unroll-check.ts";
import { readUnrolls } from "./unroll-segments.ts";

/**
 * Rebuilds a saved replay from the files that its state lists, whoever wrote them.
 *
 * @throws RunError CHECKPOINT_CORRUPT, CHECKPOINT_INCOMPATIBLE, as `ReplayStore.restore`.
 */
export function restoreReplay(folder: string, options: ReplayOptions, state: ReplayState): Replay {
  checkSizes(options, state);
  const replay = new Replay(options);
  const sameLayout = options.capacity === state.capacity && replay.ring.rows === ringRows(state);
  replay.ring.startAt({
    block: state.position.oldestBlock,
    row: sameLayout ? state.position.oldestRow : 0,
  });
  insertUnrolls(folder, replay, state);
  Object.assign(replay.counters, structuredClone(state.counters));
  if (state.sampling === samplingKey(options.sampling)) readWeights(folder, replay, state);
  const { position } = replay.ring;
  if (sameLayout && JSON.stringify(position) !== JSON.stringify(state.position)) {
    throw new RunError("CHECKPOINT_CORRUPT", "replay's segments do not add up to its state");
  }
  return replay;
}

/** Weights mean something only to the strategy and exponents that made them. */
export function samplingKey(sampling: Sampling): string {
  return JSON.stringify(sampling);
}

function insertUnrolls(folder: string, replay: Replay, state: ReplayState): void {
  const { options, ring } = replay;
  // Unrolls saved under another configuration may be longer than those of this one.
  const shape = { ...options, unrollLength: options.capacity };
  const { oldestBlock, nextBlock } = state.position;
  const wanted = { shape, firstBlock: oldestBlock, endBlock: nextBlock };
  for (const unroll of readUnrolls(folder, state.unrolls, wanted)) {
    const refusal = refuseUnroll(unroll, shape);
    if (refusal !== null) {
      const what = `a saved unroll of ${unroll.length} steps does not fit a replay of ${options.capacity}`;
      throw new RunError("CHECKPOINT_INCOMPATIBLE", `${what}: ${refusal}`);
    }
    replay.sampler.inserted(ring.append(unroll), unroll.length);
  }
}

function checkSizes(options: ReplayOptions, state: ReplayState): void {
  for (const field of ["observationSize", "actionSize", "frameStack"] as const) {
    if (options[field] === state[field]) continue;
    throw new RunError(
      "CHECKPOINT_INCOMPATIBLE",
      `replay was saved with ${field} ${state[field] ?? 1}, not ${options[field] ?? 1}`,
    );
  }
}
