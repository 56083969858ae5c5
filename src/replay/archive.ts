import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../errors.ts";
import { Replay, type ReplayOptions } from "./replay.ts";
import { parseReplayState, type ReplayState, type UnrollSegment } from "./replay-state.ts";
import { type RowRing, ringRows, STEP } from "./ring.ts";
import type { Sampling } from "./sampler.ts";
import { readSegment } from "./segment-reader.ts";
import { type SegmentFile, SegmentWriter, syncFolder } from "./segment-writer.ts";
import { refuseUnroll } from "./unroll-check.ts";
import { type BlockStart, readUnrolls, writeUnrolls } from "./unroll-segments.ts";

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
    const { options, sampler } = replay;
    const { position } = replay.ring;
    const oldest = { block: position.oldestBlock, row: position.oldestRow };
    const start = this.#end.block < oldest.block ? oldest : this.#end;
    const held = this.#segments.filter(({ endBlock }) => endBlock > oldest.block);
    const unrolls = [...held, ...writeUnrolls(this.#folder, replay.ring, start)];
    const weights = writeWeights(this.#folder, replay);
    syncFolder(this.#folder);
    this.#segments = unrolls;
    this.#end = { block: position.nextBlock, row: position.nextRow };
    const { capacity, unrollLength, observationSize, actionSize } = options;
    const state: ReplayState = {
      format: 1,
      ...{ capacity, unrollLength, observationSize, actionSize },
      sampling: samplingKey(options.sampling),
      position,
      counters: structuredClone(replay.counters),
      sampler: sampler.state(),
      unrolls,
      weights,
    };
    const listed = weights === null ? unrolls : [...unrolls, weights];
    const files = listed.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }));
    return { state, files };
  }

  restore(options: ReplayOptions, raw: unknown): Replay {
    const state = parseReplayState(raw);
    checkSizes(options, state);
    const replay = new Replay(options);
    const sameLayout = options.capacity === state.capacity && replay.ring.rows === ringRows(state);
    replay.ring.startAt({
      block: state.position.oldestBlock,
      row: sameLayout ? state.position.oldestRow : 0,
    });
    this.#readUnrolls(replay, state);
    Object.assign(replay.counters, structuredClone(state.counters));
    if (state.sampling === samplingKey(options.sampling)) this.#readWeights(replay, state);
    const { position } = replay.ring;
    if (sameLayout && JSON.stringify(position) !== JSON.stringify(state.position)) {
      throw new RunError("CHECKPOINT_CORRUPT", "replay's segments do not add up to its state");
    }
    this.#segments = state.unrolls;
    this.#end = { block: position.nextBlock, row: position.nextRow };
    return replay;
  }

  #readUnrolls(replay: Replay, state: ReplayState): void {
    const { options, ring } = replay;
    // Unrolls saved under another configuration may be longer than those of this one.
    const shape = { ...options, unrollLength: options.capacity };
    const firstBlock = state.position.oldestBlock;
    for (const unroll of readUnrolls(this.#folder, state.unrolls, { shape, firstBlock })) {
      const refusal = refuseUnroll(unroll, shape);
      if (refusal !== null) {
        const what = `a saved unroll of ${unroll.length} steps does not fit a replay of ${options.capacity}`;
        throw new RunError("CHECKPOINT_INCOMPATIBLE", `${what}: ${refusal}`);
      }
      replay.sampler.inserted(ring.append(unroll), unroll.length);
    }
  }

  #readWeights(replay: Replay, state: ReplayState): void {
    const target = replay.sampler.weights;
    if (target === undefined || state.weights === null) return;
    const path = join(this.#folder, state.weights.name);
    const bytes = Buffer.concat(readSegment(path));
    if (bytes.length !== 8 * state.position.size) {
      throw new RunError("CHECKPOINT_CORRUPT", `${path} holds ${bytes.length} bytes of weights`);
    }
    let at = 8 * (state.position.size - replay.size);
    forEachStep(replay.ring, (slot) => {
      const weight = bytes.readDoubleLE(at);
      if (!(weight >= 0 && weight < Infinity)) {
        throw new RunError("CHECKPOINT_CORRUPT", `${path} holds the weight ${weight}`);
      }
      target[slot] = weight;
      at += 8;
    });
    replay.sampler.restore(state.sampler);
  }
}

function checkSizes(options: ReplayOptions, state: ReplayState): void {
  for (const field of ["observationSize", "actionSize"] as const) {
    if (options[field] === state[field]) continue;
    throw new RunError(
      "CHECKPOINT_INCOMPATIBLE",
      `replay was saved with ${field} ${state[field]}, not ${options[field]}`,
    );
  }
}

function writeWeights(folder: string, replay: Replay): SegmentFile | null {
  const source = replay.sampler.weights;
  if (source === undefined) return null;
  const weights = new Float64Array(replay.size);
  let count = 0;
  forEachStep(replay.ring, (slot) => {
    weights[count++] = source[slot]!;
  });
  using writer = new SegmentWriter(folder, "weights.open");
  writer.append(new Uint8Array(weights.buffer));
  return writer.seal((sha256) => `weights-${sha256.slice(0, 16)}.seg`);
}

/** Visits the slots of all transitions held, oldest first. */
function forEachStep(ring: RowRing, visit: (slot: number) => void): void {
  const { oldestRow, nextRow } = ring.position;
  const first = ring.slotOf(oldestRow);
  const end = first + (nextRow - oldestRow);
  for (let ahead = first; ahead < end; ahead++) {
    const slot = ahead < ring.rows ? ahead : ahead - ring.rows;
    if ((ring.flags[slot]! & STEP) !== 0) visit(slot);
  }
}

/** Weights mean something only to the strategy and exponents that made them. */
function samplingKey(sampling: Sampling): string {
  return JSON.stringify(sampling);
}
