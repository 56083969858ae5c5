import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SealedSegment } from "./log-names.ts";
import { syncFolder } from "./open-segment.ts";

/** The log's sealed segments, oldest first; the oldest go when there are too many bytes. */
export class SealedSegments {
  readonly #folder: string;
  readonly #segments: SealedSegment[];
  #sizeBytes: number;
  #releasedBelow = 0;
  #warned = false;

  constructor(folder: string, segments: readonly SealedSegment[]) {
    this.#folder = folder;
    this.#segments = [...segments];
    this.#sizeBytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get all(): readonly SealedSegment[] {
    return this.#segments;
  }

  add(segment: SealedSegment): void {
    this.#segments.push(segment);
    this.#sizeBytes += segment.sizeBytes;
  }

  /** Unrolls below `index` are needed by no checkpoint. */
  release(index: number): void {
    this.#releasedBelow = Math.max(this.#releasedBelow, index);
  }

  /**
   * Removes the oldest segments, as long as there are more than `quotaBytes` and no checkpoint needs them.
   *
   * @returns a warning, once, when what checkpoints need is more than the quota.
   */
  async collect(quotaBytes: number): Promise<string | undefined> {
    while (this.#sizeBytes > quotaBytes) {
      const [oldest] = this.#segments;
      if (oldest === undefined || oldest.end > this.#releasedBelow)
        return this.#overQuota(quotaBytes);
      await rm(join(this.#folder, oldest.name), { force: true });
      // One after another, so that a crash leaves no gap.
      await syncFolder(this.#folder);
      this.#segments.shift();
      this.#sizeBytes -= oldest.sizeBytes;
    }
    return undefined;
  }

  #overQuota(quotaBytes: number): string | undefined {
    if (this.#warned) return undefined;
    this.#warned = true;
    const [has, may] = [this.#sizeBytes, quotaBytes].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`);
    return `the frame log takes ${has}, more than its quota of ${may}: checkpoints need all of it`;
  }
}
