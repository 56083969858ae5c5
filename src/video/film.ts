import { accessSync, constants, statSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { RunError } from "../errors.ts";
import { replaceDurable } from "../storage/durable-files.ts";
import type { FilmEncoder, FilmFormat } from "./encoder.ts";
import { openGif } from "./gif.ts";
import { openMp4 } from "./mp4.ts";

interface FilmKind {
  /** What screens and players manage; pictures are left out until there are no more. */
  readonly maxFramesPerSecond: number;
  /** What the format can say: the film is at most 2 % fast or slow. */
  round(framesPerSecond: number): number;
  open(format: FilmFormat): FilmEncoder | Promise<FilmEncoder>;
}

const KINDS: ReadonlyMap<string, FilmKind> = new Map([
  [".mp4", { maxFramesPerSecond: 60, round: wholeFrames, open: openMp4 }],
  // Browsers slow down what is faster than 50; at half of that files are half as large.
  [".gif", { maxFramesPerSecond: 25, round: thousandths, open: openGif }],
]);

function wholeFrames(framesPerSecond: number): number {
  return Math.max(1, Math.round(framesPerSecond));
}

function thousandths(framesPerSecond: number): number {
  return Math.round(1000 * framesPerSecond) / 1000;
}

/** The endings of files that a film can be saved as. */
export const FILM_ENDINGS: readonly string[] = [...KINDS.keys()];

/** Pictures of this many steps a second where a step's time is unknown. */
const UNTIMED_FRAMES_PER_SECOND = 30;

export interface FilmOptions {
  /** Paths, each with one of `FILM_ENDINGS`. */
  readonly files: readonly string[];
  /** Pixels, even. */
  readonly width: number;
  readonly height: number;
  /** Simulated seconds from one step's picture to the next. */
  readonly dt: number | undefined;
}

/** A film that has been written. */
export interface FilmFile {
  readonly file: string;
  readonly frames: number;
  readonly frames_per_second: number;
  readonly size_bytes: number;
}

interface Reel {
  readonly file: string;
  readonly encoder: FilmEncoder;
  /** Every so many steps are shown. */
  readonly stride: number;
  readonly framesPerSecond: number;
  frames: number;
}

/** Episodes as a film in real time, one after another, in one file or several. */
export class Film implements Disposable {
  readonly #reels: readonly Reel[];

  /** @throws RunError CONFIG_INVALID when a file cannot be written, or the size is odd. */
  static async open(options: FilmOptions): Promise<Film> {
    const { files, width, height } = options;
    if (width % 2 !== 0 || height % 2 !== 0) {
      refuse(`size: a film's width and height must be even, not ${width}x${height}`);
    }
    for (const file of files) assertWritable(file);
    return new Film(await Promise.all(files.map((file) => openReel(file, options))));
  }

  private constructor(reels: readonly Reel[]) {
    this.#reels = reels;
  }

  /** Whether an episode's picture after `step` steps is in the film. */
  shows(step: number): boolean {
    return this.#reels.some(({ stride }) => step % stride === 0);
  }

  /** Adds that picture. @param pixels [height, width, 3] */
  add(step: number, pixels: Uint8Array): void {
    for (const reel of this.#reels) {
      if (step % reel.stride !== 0) continue;
      reel.encoder.add(pixels);
      reel.frames++;
    }
  }

  /** Writes the files. @throws RunError CONFIG_INVALID when that fails. */
  save(): FilmFile[] {
    return this.#reels.map(({ file, encoder, frames, framesPerSecond }) => {
      const bytes = encoder.finish();
      writeFile(file, bytes);
      return { file, frames, frames_per_second: framesPerSecond, size_bytes: bytes.length };
    });
  }

  [Symbol.dispose](): void {
    for (const { encoder } of this.#reels) encoder.close();
  }
}

/** @throws RunError CONFIG_INVALID when `file` cannot be written. */
export function writeFile(file: string, bytes: Uint8Array): void {
  try {
    replaceDurable(file, bytes);
  } catch (thrown) {
    refuse(`${file} cannot be written: ${RunError.from(thrown).message}`, thrown);
  }
}

/** @throws RunError CONFIG_INVALID when there is no such folder, or it lets nobody write. */
export function assertFolder(file: string): void {
  const folder = dirname(resolve(file));
  try {
    if (!statSync(folder).isDirectory())
      refuse(`${file} cannot be written: ${folder} is no folder`);
    accessSync(folder, constants.W_OK);
  } catch (thrown) {
    if (thrown instanceof RunError) throw thrown;
    refuse(`${file} cannot be written: ${RunError.from(thrown).message}`, thrown);
  }
}

async function openReel(file: string, { width, height, dt }: FilmOptions): Promise<Reel> {
  const kind = kindOf(file);
  const perSecond = dt === undefined ? UNTIMED_FRAMES_PER_SECOND : 1 / dt;
  // 1 / dt may be 25.000000000000004.
  const stride = Math.max(1, Math.ceil(perSecond / kind.maxFramesPerSecond - 1e-9));
  const framesPerSecond = kind.round(perSecond / stride);
  const encoder = await kind.open({ width, height, framesPerSecond });
  return { file, encoder, stride, framesPerSecond, frames: 0 };
}

function kindOf(file: string): FilmKind {
  const kind = KINDS.get(extname(file).toLowerCase());
  return kind ?? refuse(`${file}: a film's name ends in ${FILM_ENDINGS.join(" or ")}`);
}

function assertWritable(file: string): void {
  kindOf(file);
  assertFolder(file);
}

function refuse(problem: string, cause?: unknown): never {
  throw new RunError("CONFIG_INVALID", problem, { cause });
}
