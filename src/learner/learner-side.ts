import type { MetricsRecorder } from "../metrics/recorder.ts";
import type { Delivery } from "../transport/gateway/gateway-task.ts";
import type { CutMemory } from "./cut-memory.ts";
import type { LearnerLoop, LearnerParts } from "./learner.ts";
import type { OpenReplayFrom } from "./open-replay.ts";

/** What tells learning from replay and learning on policy apart, for whoever puts a learner together. */
export interface LearnerSide extends AsyncDisposable {
  readonly memory: CutMemory;
  /** Measures it. */
  readonly meter: { read(): void };
  /** How frames from other machines become safe. */
  delivery(cursors: LoopParts["cursors"]): Delivery;
  open(parts: LoopParts): LearnerLoop;
}

/** What every learner's loop is made of. */
export type LoopParts = Omit<LearnerParts, "replay" | "pace" | "meter">;

export interface OpenSideFrom extends OpenReplayFrom {
  readonly recorder: MetricsRecorder;
}
