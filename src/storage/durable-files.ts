import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { RunError } from "../errors.ts";

/** Names that begin so are unfinished work; whoever opens the folder next removes them. */
export const temporaryPrefix = ".tmp-";

/** Bytes read at a time when a file is hashed. */
const hashChunkBytes = 1 << 20;

/** Writes a new file and waits until the disk has its content. */
export function writeDurable(path: string, content: Uint8Array): void {
  writeFileSync(path, content, { flag: "wx", flush: true });
}

/**
 * Waits until the disk has a file's content, or a folder's entries: what was made, renamed or removed
 * in it. Windows has no such call for folders, and refuses it for files opened to read.
 */
export function syncPath(path: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Writes or replaces a file as a whole: a reader sees the old content or the new, never a mixture. */
export function replaceDurable(path: string, content: string | Uint8Array): void {
  const folder = dirname(path);
  const temporary = join(folder, `${temporaryPrefix}${basename(path)}`);
  rmSync(temporary, { force: true });
  writeDurable(temporary, typeof content === "string" ? Buffer.from(content) : content);
  renameSync(temporary, path);
  syncPath(folder);
}

/** Removes a folder so that no crash leaves half of it under its name. */
export function removeFolder(path: string): void {
  const doomed = join(dirname(path), `${temporaryPrefix}removed-${basename(path)}`);
  rmSync(doomed, { recursive: true, force: true });
  renameSync(path, doomed);
  syncPath(dirname(path));
  rmSync(doomed, { recursive: true, force: true });
}

export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Size and hash of a file of any size. */
export function hashFile(path: string): { readonly sizeBytes: number; readonly sha256: string } {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(hashChunkBytes);
  const handle = openSync(path, "r");
  try {
    let sizeBytes = 0;
    for (;;) {
      const count = readSync(handle, chunk, 0, chunk.length, null);
      if (count === 0) return { sizeBytes, sha256: hash.digest("hex") };
      hash.update(chunk.subarray(0, count));
      sizeBytes += count;
    }
  } finally {
    closeSync(handle);
  }
}

/** The `code` of a file system error, e.g. ENOENT. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Whether a write failed for lack of room. */
export function isDiskFull(thrown: unknown): boolean {
  const code = systemCode(thrown);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Turns a failed write into a RunError: DISK_FULL when there was no room. */
export function writeFailure(what: string, thrown: unknown): RunError {
  if (isDiskFull(thrown)) {
    return new RunError("DISK_FULL", `${what}: no space left on the disk`, { cause: thrown });
  }
  const { message, code: runCode } = RunError.from(thrown);
  return new RunError(runCode, `${what}: ${message}`, { cause: thrown });
}
