import type { RandomStream } from "../math/random.ts";
import type { ReplayBatch } from "./batch.ts";
import { type RowRing, STEP } from "./ring.ts";
import type { PriorityUpdate, Sampler, SamplerState } from "./sampler.ts";

/** Every transition alike. Draws rows and rejects the few that are none: O(1), no memory. */
export class UniformSampler implements Sampler {
  readonly weights = undefined;
  readonly totalWeight = undefined;
  readonly #ring: RowRing;

  constructor(ring: RowRing) {
    this.#ring = ring;
  }

  inserted(): void {}

  evicted(): void {}

  draw(batch: ReplayBatch, random: RandomStream): void {
    const { flags, rows, span } = this.#ring;
    const oldestSlot = this.#ring.slotOf(this.#ring.position.oldestRow);
    for (let b = 0; b < batch.size; ) {
      const ahead = oldestSlot + random.integer(span);
      const slot = ahead < rows ? ahead : ahead - rows;
      if ((flags[slot]! & STEP) !== 0) batch.slots[b++] = slot;
    }
    batch.importanceWeights.fill(1);
  }

  update(): PriorityUpdate {
    return { applied: 0, stale: 0, invalid: 0 };
  }

  state(): SamplerState {
    return { maxWeight: 1, updatesSinceReset: 0 };
  }

  restore(): void {}
}
