import { join } from "node:path";
import { RunError } from "../errors.ts";
import type { Replay } from "./replay.ts";
import type { ReplayState } from "./replay-state.ts";
import { type RowRing, STEP } from "./ring.ts";
import { readSegment } from "./segment-reader.ts";
import { type SegmentFile, SegmentWriter } from "./segment-writer.ts";

/** Writes the weights of all transitions held, oldest first; null when all are alike. */
export function writeWeights(folder: string, replay: Replay): SegmentFile | null {
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

/**
 * Gives the transitions held, the newest of those saved, their saved weights.
 *
 * @throws RunError CHECKPOINT_CORRUPT.
 */
export function readWeights(folder: string, replay: Replay, state: ReplayState): void {
  const target = replay.sampler.weights;
  if (target === undefined || state.weights === null) return;
  const path = join(folder, state.weights.name);
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
