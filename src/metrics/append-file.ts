import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { writeFailure } from "../storage/durable-files.ts";

/**
 * A file that grows by whole lines or records, each written at once, so that a reader, or a run that
 * goes on after a crash, finds at most the last one cut off.
 */
export class AppendFile implements Disposable {
  readonly path: string;
  readonly #descriptor: number;

  /** @throws RunError DISK_FULL: a new file takes room, too. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, "a");
    } catch (thrown) {
      throw writeFailure(path, thrown);
    }
  }

  /** Writes all of `data` or nothing. @throws RunError DISK_FULL */
  append(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const { size } = fstatSync(this.#descriptor);
    try {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(this.#descriptor, bytes, done);
      }
    } catch (thrown) {
      ftruncateSync(this.#descriptor, size);
      throw writeFailure(this.path, thrown);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/**
 * Cuts a text file back to the lines `keep` wants, and a last line that was not finished. A resumed run
 * does this with what it logged after the checkpoint it resumes from. No file is no lines.
 */
export function keepLines(path: string, keep: (line: string) => boolean): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
  const lines = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1);
  const kept = lines.filter(keep);
  const wanted = kept.map((line) => `${line}\n`).join("");
  if (wanted !== text) writeFileSync(path, wanted);
  return kept;
}
