import type { FilmFormat } from "./encoder.ts";

/** Frames with an opaque alpha channel, for encoders that want one. */
export class RgbaFrame {
  /** [height, width, 4] */
  readonly #rgba: Uint8Array;

  constructor({ width, height }: FilmFormat) {
    this.#rgba = new Uint8Array(4 * width * height).fill(255);
  }

  /**
   * @param rgb [height, width, 3]
   * @returns [height, width, 4], valid until the next call.
   */
  of(rgb: Uint8Array): Uint8Array {
    const rgba = this.#rgba;
    for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
      rgba[to] = rgb[from]!;
      rgba[to + 1] = rgb[from + 1]!;
      rgba[to + 2] = rgb[from + 2]!;
    }
    return rgba;
  }
}
