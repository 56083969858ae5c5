import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { RunError } from "../errors.ts";

/**
 * A file that grows by whole lines or records, each written at once, so that a reader, or a run that
 * goes on after a crash, finds at most the last one cut off.
 */
export class AppendFile implements Disposable {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string) {
    this.path = path;
    this.#descriptor = openSync(path, "a");
  }

  /** @throws RunError DISK_FULL */
  append(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    try {
      writeSync(this.#descriptor, bytes);
    } catch (thrown) {
      throw diskError(thrown, this.path);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/** What a failed write becomes: DISK_FULL when it was for lack of room, else INTERNAL. */
export function diskError(thrown: unknown, path: string): RunError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new RunError("DISK_FULL", `no room left on the disk for ${path}`, { cause: thrown });
  }
  return new RunError("INTERNAL", `cannot write ${path}: ${message}`, { cause: thrown });
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
