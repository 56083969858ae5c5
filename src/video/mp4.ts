import { createRequire } from "node:module";
import type { FilmEncoder, FilmFormat } from "./encoder.ts";

type Library = typeof import("h264-mp4-encoder");
type Encoder = Awaited<ReturnType<Library["createH264MP4Encoder"]>>;

/** From 10, the best, to 51: at 24 no blocks are seen in flat colours. */
const QUANTISER = 24;
/** From 0, the best, to 10: a third of the time of 0 for a tenth more bytes. */
const SPEED = 5;

/**
 * H.264 in an MP4 file.
 * @param format Width and height must be even.
 */
export async function openMp4(format: FilmFormat): Promise<FilmEncoder> {
  const encoder = await loadLibrary().createH264MP4Encoder();
  encoder.width = format.width;
  encoder.height = format.height;
  encoder.frameRate = format.framesPerSecond;
  encoder.quantizationParameter = QUANTISER;
  encoder.speed = SPEED;
  // A key frame every two seconds: players can jump to those.
  encoder.groupOfPictures = Math.max(1, Math.round(2 * format.framesPerSecond));
  encoder.initialize();
  return new Mp4Encoder(encoder, format);
}

class Mp4Encoder implements FilmEncoder {
  readonly #encoder: Encoder;
  /** [height, width, 4] */
  readonly #rgba: Uint8Array;

  constructor(encoder: Encoder, { width, height }: FilmFormat) {
    this.#encoder = encoder;
    this.#rgba = new Uint8Array(4 * width * height).fill(255);
  }

  add(pixels: Uint8Array): void {
    const rgba = this.#rgba;
    for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) {
      rgba[to] = pixels[from]!;
      rgba[to + 1] = pixels[from + 1]!;
      rgba[to + 2] = pixels[from + 2]!;
    }
    this.#encoder.addFrameRgba(rgba);
  }

  finish(): Uint8Array {
    this.#encoder.finalize();
    const bytes = this.#encoder.FS.readFile(this.#encoder.outputFilename);
    this.#encoder.FS.unlink(this.#encoder.outputFilename);
    return bytes;
  }

  close(): void {
    this.#encoder.delete();
  }
}

/** Loads the library, without the handlers by which it would end the process on anyone's error. */
function loadLibrary(): Library {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => process.rawListeners(event));
  const library = createRequire(import.meta.url)("h264-mp4-encoder") as Library;
  for (const [i, event] of events.entries()) {
    for (const listener of process.rawListeners(event)) {
      if (before[i]?.includes(listener)) continue;
      process.removeListener(event, listener as (...details: unknown[]) => void);
    }
  }
  return library;
}
