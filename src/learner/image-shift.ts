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

  /**
   * Moves one image, [stack * channels, height, width], in place: all of it at once, which brings to the edges
   * what lies beside them in memory, then the edges.
   */
  shift(image: Observations, down: number, right: number): void {
    const { width } = this.#image;
    const before = this.#before;
    before.set(image);
    const offset = down * width + right;
    if (offset >= 0) image.set(before.subarray(0, before.length - offset), offset);
    else image.set(before.subarray(-offset));
    const plane = this.#image.height * width;
    for (let start = 0; start < image.length; start += plane) {
      this.#fillColumns(image, start, { down, right });
      this.#fillRows(image, start, down);
    }
  }

  /** Repeats the first or last column, in the rows that are not themselves repeated. */
  #fillColumns(image: Observations, start: number, by: { down: number; right: number }): void {
    const { height, width } = this.#image;
    const { down, right } = by;
    const [from, to] = right > 0 ? [0, right] : [width + right, width];
    const edge = right > 0 ? 0 : width - 1;
    for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
      const row = start + y * width;
      const value = this.#before[row - down * width + edge] ?? 0;
      for (let x = from; x < to; x++) image[row + x] = value;
    }
  }

  /** Repeats the first or last row of a plane. */
  #fillRows(image: Observations, start: number, down: number): void {
    const { height, width } = this.#image;
    const [from, to] = down > 0 ? [0, down] : [height + down, height];
    const source = start + (down > 0 ? down : height + down - 1) * width;
    for (let y = from; y < to; y++) image.copyWithin(start + y * width, source, source + width);
  }
}
