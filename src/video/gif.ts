import { createRequire } from "node:module";
import type { FilmEncoder, FilmFormat } from "./encoder.ts";
import { RgbaFrame } from "./rgba-frame.ts";

/** The part of gifenc used here; the package declares no types. */
interface Library {
  GIFEncoder(): GifStream;
  quantize(rgba: Uint8Array, maxColours: number): Palette;
  applyPalette(rgba: Uint8Array, palette: Palette): Uint8Array<ArrayBuffer>;
}

type Palette = readonly (readonly [number, number, number])[];

interface GifStream {
  writeFrame(colours: Uint8Array, width: number, height: number, options: FrameOptions): void;
  finish(): void;
  bytes(): Uint8Array;
}

interface FrameOptions {
  readonly palette: Palette;
  /** Milliseconds. */
  readonly delay: number;
  /** 1: the frame stays, and the next is drawn over it. */
  readonly dispose: number;
  readonly transparent?: boolean;
  readonly transparentIndex?: number;
}

// Its default export is another thing for Node than for bundlers.
const gifenc = createRequire(import.meta.url)("gifenc") as Library;

/** One of 256 colours is kept for "as before". */
const COLOURS = 255;
const UNCHANGED = 255;
/** Frames that share a palette. */
const PALETTE_FRAMES = 100;

/** A GIF that repeats for ever. */
export function openGif(format: FilmFormat): FilmEncoder {
  return new GifEncoder(format);
}

class GifEncoder implements FilmEncoder {
  readonly #stream: GifStream = gifenc.GIFEncoder();
  readonly #format: FilmFormat;
  readonly #frame: RgbaFrame;
  #palette: Palette = [];
  /** [height, width], colours of the last frame. */
  #last = new Uint8Array(0);
  #frames = 0;

  constructor(format: FilmFormat) {
    this.#format = format;
    this.#frame = new RgbaFrame(format);
  }

  add(pixels: Uint8Array): void {
    const rgba = this.#frame.of(pixels);
    const isKey = this.#frames % PALETTE_FRAMES === 0;
    if (isKey) this.#palette = gifenc.quantize(rgba, COLOURS);
    const colours = gifenc.applyPalette(rgba, this.#palette);
    const { width, height } = this.#format;
    this.#stream.writeFrame(isKey ? colours : changes(this.#last, colours), width, height, {
      palette: padded(this.#palette),
      delay: this.#delay(),
      dispose: 1,
      ...(isKey ? {} : { transparent: true, transparentIndex: UNCHANGED }),
    });
    this.#last = colours;
    this.#frames++;
  }

  finish(): Uint8Array {
    this.#stream.finish();
    return this.#stream.bytes();
  }

  close(): void {}

  /** Milliseconds in whole hundredths of a second, so that they sum up to the film's time. */
  #delay(): number {
    const end = (frame: number) => Math.round((100 * frame) / this.#format.framesPerSecond);
    return 10 * (end(this.#frames + 1) - end(this.#frames));
  }
}

/** What stays as it was is transparent: long runs, which the format shortens. */
function changes(before: Uint8Array, now: Uint8Array): Uint8Array {
  return now.map((colour, p) => (colour === before[p] ? UNCHANGED : colour));
}

/** Each frame brings a whole table, of which the last entry is never seen. */
function padded(palette: Palette): Palette {
  const rest = COLOURS + 1 - palette.length;
  return [...palette, ...Array.from({ length: rest }, () => [0, 0, 0] as const)];
}
