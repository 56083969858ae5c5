import { createRequire } from "node:module";
import type { FilmEncoder, FilmFormat } from "./encoder.ts";
import { RgbaFrame } from "./rgba-frame.ts";

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
  readonly #frame: RgbaFrame;

  constructor(encoder: Encoder, format: FilmFormat) {
    this.#encoder = encoder;
    this.#frame = new RgbaFrame(format);
  }

  add(pixels: Uint8Array): void {
    this.#encoder.addFrameRgba(this.#frame.of(pixels));
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
