import { mkdirSync } from "node:fs";
import type { Replay, ReplayOptions } from "./replay.ts";
import { parseReplayState, type ReplayState, type UnrollSegment } from "./replay-state.ts";
import { restoreReplay, samplingKey } from "./restore-replay.ts";
import { writeWeights } from "./saved-weights.ts";
import { type SegmentFile, syncFolder } from "./segment-writer.ts";
import { type BlockStart, writeUnrolls } from "./unroll-segments.ts";

export interface SavedReplay {
  readonly state: ReplayState;
  /** Every file that `state` needs, those of earlier saves included. */
  readonly files: readonly SegmentFile[];
}

/** Keeps replay's contents in files that checkpoints list. One archive saves one replay. */
export interface ReplayStore {
  /**
   * Writes what changed; returns when the disk has it.
   *
   * @throws RunError DISK_FULL: the files of earlier saves stay valid, and a later save makes up for it.
   */
  save(replay: Replay): SavedReplay;
  /**
   * Rebuilds the saved replay; with the same options its digest is the same, and so is its future.
   *
   * A changed capacity or unroll length lays the newest transitions out afresh. A changed strategy or
   * exponent gives all of them the same priority.
   *
   * @param raw What `save` returned as `state`, from JSON.
   * @throws RunError CHECKPOINT_CORRUPT if a file is damaged or does not fit the state,
   *   CHECKPOINT_INCOMPATIBLE if the environment has other sizes or an unroll does not fit the capacity.
   */
  restore(options: ReplayOptions, raw: unknown): Replay;
}

/**
 * Keeps replay in a folder of immutable segments. A save writes the unrolls that came in since the save
 * before, and the weights; older segments are listed again until replay has forgotten all in them. Files
 * are named by content, so checkpoints share them, and whoever keeps the checkpoints may remove a file
 * that none of them lists.
 *
 * Synchronous: a cut is one moment between two updates, and an increment takes milliseconds.
 */
export class ReplayArchive implements ReplayStore {
  readonly #folder: string;
  #segments: readonly UnrollSegment[] = [];
  /** Where the first block that is not saved begins. */
  #end: BlockStart = { block: 0, row: 0 };

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  save(replay: Replay): SavedReplay {
    const { position } = replay.ring;
    const oldest = { block: position.oldestBlock, row: position.oldestRow };
    const start = this.#end.block < oldest.block ? oldest : this.#end;
    const held = this.#segments.filter(({ endBlock }) => endBlock > oldest.block);
    const unrolls = [...held, ...writeUnrolls(this.#folder, replay.ring, start)];
    const weights = writeWeights(this.#folder, replay);
    syncFolder(this.#folder);
    this.#segments = unrolls;
    this.#end = { block: position.nextBlock, row: position.nextRow };
    return describeReplay(replay, unrolls, weights);
  }

  restore(options: ReplayOptions, raw: unknown): Replay {
    const state = parseReplayState(raw);
    const replay = restoreReplay(this.#folder, options, state);
    const { position } = replay.ring;
    this.#segments = state.unrolls;
    this.#end = { block: position.nextBlock, row: position.nextRow };
    return replay;
  }
}

/** What a checkpoint says about a replay whose contents are in these files. */
export function describeReplay(
  replay: Replay,
  unrolls: readonly UnrollSegment[],
  weights: SegmentFile | null,
): SavedReplay {
  const { options, sampler, ring } = replay;
  const { capacity, unrollLength, observationSize, actionSize, frameStack } = options;
  const state: ReplayState = {
    format: 1,
    ...{ capacity, unrollLength, observationSize, actionSize },
    ...(frameStack === undefined ? {} : { frameStack }),
    sampling: samplingKey(options.sampling),
    position: ring.position,
    counters: structuredClone(replay.counters),
    sampler: sampler.state(),
    unrolls: [...unrolls],
    weights,
  };
  const listed = weights === null ? unrolls : [...unrolls, weights];
  const files = listed.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }));
  return { state, files };
}
