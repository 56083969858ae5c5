import type { ImageSpace } from "../envs/env.ts";
import type { RandomStream } from "../math/random.ts";
import type { Observations } from "../protocol.ts";
import type { ReplayBatch } from "../replay/batch.ts";

/**
 * Moves each image of a batch by up to `reach` pixels along either axis, all frames of a stack alike; what
 * comes in at an edge repeats the pixels there. Whole pixels, so that nothing is interpolated.
 *
 * Source: Yarats et al. 2021, arXiv 2107.09645, section 3.1: pad by 4, crop at random.
 */
export class ImageShift {
  readonly #image: ImageSpace;
  readonly #reach: number;
  /** One image as it was. */
  readonly #before: Uint8Array;

  constructor(image: ImageSpace, reach: number) {
    this.#image = image;
    this.#reach = reach;
    const { height, width, channels, stack } = image;
    this.#before = new Uint8Array(height * width * channels * stack);
  }

  /** Moves what is seen before and after each transition, apart, in place. */
  apply(batch: ReplayBatch, random: RandomStream): void {
    for (const rows of [batch.observations, batch.nextObservations]) this.#applyTo(rows, random);
  }

  #applyTo(rows: Observations, random: RandomStream): void {
    const size = this.#before.length;
    const choices = 2 * this.#reach + 1;
    for (let start = 0; start < rows.length; start += size) {
      const image = rows.subarray(start, start + size);
      const down = random.integer(choices) - this.#reach;
      const right = random.integer(choices) - this.#reach;
      this.shift(image, down, right);
    }
  }

  /** Moves one image, [stack * channels, height, width], in place. */
  shift(image: Observations, down: number, right: number): void {
    const { height, width } = this.#image;
    const before = this.#before;
    before.set(image);
    for (let row = 0; row < image.length / width; row++) {
      const y = row % height;
      const from = (row - y + clamp(y - down, height)) * width;
      const to = row * width;
      for (let x = 0; x < width; x++) image[to + x] = before[from + clamp(x - right, width)] ?? 0;
    }
  }
}

function clamp(at: number, length: number): number {
  return at < 0 ? 0 : at < length ? at : length - 1;
}
