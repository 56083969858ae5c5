import type { RingShape } from "./ring.ts";

/** Bytes of a page: far below what a typed array can hold in any Node. */
const PAGE_BYTES = 2 ** 30;

/** Some frames, one after another. */
export interface Frames {
  readonly row: number;
  readonly count: number;
}

/**
 * One frame of bytes for each row of a ring, in pages of whole frames, since a typed array of all of them
 * might be longer than one can be.
 *
 * The operating system supplies zeroed memory as pages are first written.
 */
export class FrameTable {
  /** Bytes. */
  readonly frameSize: number;
  readonly #pages: Uint8Array[] = [];
  readonly #pageRows: number;

  constructor({ observationSize }: Pick<RingShape, "observationSize">, rows: number) {
    this.frameSize = observationSize;
    this.#pageRows = Math.max(1, Math.min(rows, Math.floor(PAGE_BYTES / observationSize)));
    for (let row = 0; row < rows; row += this.#pageRows) {
      this.#pages.push(new Uint8Array(Math.min(this.#pageRows, rows - row) * observationSize));
    }
  }

  /** Writes the frames in `from` to the rows from `row` on. */
  write(row: number, from: Uint8Array): void {
    const count = from.length / this.frameSize;
    let done = 0;
    for (const bytes of this.parts({ row, count })) {
      bytes.set(from.subarray(done, done + bytes.length));
      done += bytes.length;
    }
  }

  /** Copies frames to byte `at` of `to`. */
  copy(frames: Frames, to: Uint8Array, at: number): void {
    let done = at;
    for (const bytes of this.parts(frames)) {
      to.set(bytes, done);
      done += bytes.length;
    }
  }

  clear(frames: Frames): void {
    for (const bytes of this.parts(frames)) bytes.fill(0);
  }

  /** The frames where they lie: one view, or one per page. */
  *parts({ row, count }: Frames): Generator<Uint8Array> {
    for (let first = row; first < row + count; ) {
      const page = Math.floor(first / this.#pageRows);
      const end = Math.min(row + count, (page + 1) * this.#pageRows);
      const start = page * this.#pageRows;
      const bytes = this.#pages[page];
      if (bytes === undefined) throw new RangeError(`row ${first} of the frames`);
      yield bytes.subarray((first - start) * this.frameSize, (end - start) * this.frameSize);
      first = end;
    }
  }
}
