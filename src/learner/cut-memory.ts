import type { ReplayStore } from "../replay/archive.ts";
import type { LimiterExplanation, RateLimiter } from "../replay/rate-limiter.ts";
import type { Replay } from "../replay/replay.ts";
import type { CheckpointFile } from "./checkpoint/manifest.ts";
import type { StoredTensors } from "./checkpoint/safetensors.ts";

/** What a learner remembers of what actors sent, as a checkpoint needs to know it. */
export interface CutMemory {
  /** Brings it to the disk: what belongs into the checkpoint, and files in `RUN/replay` it lists. */
  save(): SavedMemory;
  /** Equal digests, equal futures. */
  digest(): string;
  /** Who waits for whom. */
  explain(): LimiterExplanation;
}

export interface SavedMemory {
  readonly json: Readonly<Record<string, unknown>>;
  readonly replay: readonly CheckpointFile[];
  /** Beside those of the update. */
  readonly tensors?: StoredTensors;
}

/** Replay, its archive, and the limiter in front of it. */
export interface Remembered {
  readonly replay: Replay;
  readonly archive: ReplayStore;
  readonly limiter: RateLimiter;
}

export class ReplayMemory implements CutMemory {
  readonly #parts: Remembered;

  constructor(parts: Remembered) {
    this.#parts = parts;
  }

  save(): SavedMemory {
    const { archive, replay, limiter } = this.#parts;
    const saved = archive.save(replay);
    return {
      json: { replay: saved.state, limiter: limiter.state() },
      replay: saved.files.map(({ name, sizeBytes, sha256 }) => ({
        path: `replay/${name}`,
        sizeBytes,
        sha256,
      })),
    };
  }

  digest(): string {
    return this.#parts.replay.digest() + JSON.stringify(this.#parts.limiter.state());
  }

  explain(): LimiterExplanation {
    return this.#parts.limiter.explain();
  }
}
