import { mkdirSync } from "node:fs";
import { RunError } from "../../errors.ts";
import { describeReplay, type ReplayStore, type SavedReplay } from "../archive.ts";
import type { Replay, ReplayOptions } from "../replay.ts";
import { parseReplayState, type UnrollSegment } from "../replay-state.ts";
import { restoreReplay } from "../restore-replay.ts";
import { writeWeights } from "../saved-weights.ts";
import { syncFolder } from "../segment-writer.ts";
import { isLogFile, listSealed } from "./log-names.ts";
import type { SealBarrier } from "./seal-barrier.ts";

export interface LogArchiveOptions {
  /** Index of the oldest unroll that a kept checkpoint needs: `oldestListed` of their files. 0 keeps all. */
  keptFrom?(): number;
  /** How long a save may wait for the log to be sealed. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/**
 * Saves replay by listing the log's own segments: block n of the ring is unroll n of the log, so a save
 * has the log sealed and writes nothing but the weights. Reads what `ReplayArchive` saved, too, and keeps
 * listing its files until replay has forgotten what is in them.
 */
export class LogArchive implements ReplayStore {
  readonly #folder: string;
  readonly #barrier: SealBarrier;
  readonly #options: LogArchiveOptions;
  /** Segments of a restored replay that are not the log's. */
  #others: readonly UnrollSegment[] = [];

  constructor(folder: string, barrier: SealBarrier, options: LogArchiveOptions = {}) {
    this.#folder = folder;
    this.#barrier = barrier;
    this.#options = options;
    mkdirSync(folder, { recursive: true });
  }

  save(replay: Replay): SavedReplay {
    const { oldestBlock, nextBlock } = replay.ring.position;
    const releasedBelow = this.#options.keptFrom?.() ?? 0;
    const { timeoutMs = TIMEOUT_MS } = this.#options;
    this.#barrier.seal({ endIndex: nextBlock, releasedBelow }, timeoutMs);
    this.#others = this.#others.filter(({ endBlock }) => endBlock > oldestBlock);
    const othersEnd = this.#others.at(-1)?.endBlock ?? 0;
    const logged = this.#logged(Math.max(oldestBlock, othersEnd), nextBlock);
    const weights = writeWeights(this.#folder, replay);
    syncFolder(this.#folder);
    return describeReplay(replay, [...this.#others, ...logged], weights);
  }

  restore(options: ReplayOptions, raw: unknown): Replay {
    const state = parseReplayState(raw);
    const replay = restoreReplay(this.#folder, options, state);
    this.#others = state.unrolls.filter(({ name }) => !isLogFile(name));
    return replay;
  }

  /** The log's segments with the blocks [from, end); the last may go on behind the cut. */
  #logged(from: number, end: number): UnrollSegment[] {
    const segments = listSealed(this.#folder, from, end).map(({ first, end: last, ...file }) => ({
      ...file,
      firstBlock: first,
      endBlock: Math.min(last, end),
    }));
    const whole =
      segments.every(({ firstBlock }, i) => firstBlock <= (segments[i - 1]?.endBlock ?? from)) &&
      (segments.at(-1)?.endBlock ?? from) >= end;
    if (whole) return segments;
    throw new RunError(
      "CHECKPOINT_CORRUPT",
      `${this.#folder}: the log lacks unrolls of ${from} to ${end}`,
    );
  }
}
