import type { CheckpointContents } from "../../../src/learner/checkpoint/write-checkpoint.ts";
import type { Unroll } from "../../../src/protocol.ts";
import type { SavedReplay } from "../../../src/replay/archive.ts";
import type { ReplayOptions } from "../../../src/replay/replay.ts";

export declare const OPTIONS: ReplayOptions;
export declare function unrollOf(index: number): Unroll;
export declare function checkpointOf(cut: number, saved: SavedReplay): CheckpointContents;
