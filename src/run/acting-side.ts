import type { LearnerEvent, LearnerResult } from "../learner/learner-task.ts";

/** Who acts for a run, seen from the process that learns: threads here, or hosts anywhere. */
export interface ActingSide extends AsyncDisposable {
  /** Settles after `stop`; rejects when nobody can act any more, or what serves them has failed. */
  readonly finished: Promise<void>;
  /** Actors alive. */
  readonly alive: number;
  /** Milliseconds since the last sign of life of the actor that has been silent the longest. */
  readonly longestSilenceMs: number;
  /** Hears of the learner's progress, twice a second. */
  onProgress(progress: Extract<LearnerEvent, { type: "progress" }>): void;
  /** The learner has returned: sends the actors home, for good or until it comes back. */
  stop(reason: LearnerResult["reason"]): Promise<void>;
}
