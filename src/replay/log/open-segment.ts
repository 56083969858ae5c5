import { createHash, type Hash, randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { segmentHeader, segmentTrailer } from "../segment-writer.ts";
import type { FrameBuffer } from "./frame-buffer.ts";
import { openName, type SealedSegment, sealedName } from "./log-names.ts";

/**
 * The segment that is being written. Whatever fails, its first `sizeBytes` bytes are on the disk, and
 * each call may be made again. Errors are the file system's own.
 */
export class OpenSegment {
  /** Index of its first unroll. */
  readonly first: number;
  readonly #folder: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #sizeBytes = 0;
  #frames = 0;
  #suspect = false;
  #sealedAs: SealedSegment | undefined;

  private constructor(at: { folder: string; path: string; first: number }, handle: FileHandle) {
    this.first = at.first;
    this.#folder = at.folder;
    this.#path = at.path;
    this.#handle = handle;
  }

  static async create(folder: string, first: number): Promise<OpenSegment> {
    const path = join(folder, openName(first, randomBytes(4).toString("hex")));
    return new OpenSegment({ folder, path, first }, await open(path, "wx"));
  }

  /** Bytes that are on the disk. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * A sync failed, so pages may be lost that the system takes for written: nothing more should go in.
   * Source: Rebello et al. 2020, "Can Applications Recover from fsync Failures?"
   */
  get suspect(): boolean {
    return this.#suspect;
  }

  /** Writes the frames and waits until the disk has them; if it fails, none of them is in. */
  async commit(buffers: readonly FrameBuffer[]): Promise<void> {
    const isNew = this.#sizeBytes === 0;
    const parts = buffers.flatMap((buffer) => buffer.parts());
    if (isNew) parts.unshift(segmentHeader());
    try {
      await writeAll(this.#handle, parts, this.#sizeBytes);
    } catch (thrown) {
      // Room for others; what remains would be written over, or cut off on recovery.
      await this.#handle.truncate(this.#sizeBytes).catch(() => undefined);
      throw thrown;
    }
    try {
      await this.#handle.datasync();
      if (isNew) await syncFolder(this.#folder);
    } catch (thrown) {
      this.#suspect = true;
      throw thrown;
    }
    for (const part of parts) {
      this.#hash.update(part);
      this.#sizeBytes += part.length;
    }
    for (const { frames } of buffers) this.#frames += frames;
  }

  /** Ends the file after what is on the disk, and gives it its name. */
  async seal(end: number): Promise<SealedSegment> {
    this.#sealedAs ??= await this.#finish(end);
    await syncFolder(this.#folder);
    await this.close();
    return this.#sealedAs;
  }

  async #finish(end: number): Promise<SealedSegment> {
    const trailer = segmentTrailer(this.#frames);
    await this.#handle.truncate(this.#sizeBytes);
    await writeAll(this.#handle, [trailer], this.#sizeBytes);
    await this.#handle.sync();
    const sha256 = this.#hash.copy().update(trailer).digest("hex");
    const range = { first: this.first, end };
    const name = sealedName(range, sha256);
    await rename(this.#path, join(this.#folder, name));
    return { ...range, name, sha256, sizeBytes: this.#sizeBytes + trailer.length };
  }

  /** Leaves the file as it is. What was synced is on the disk, so it does not matter if this fails. */
  async close(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }

  remove(): Promise<void> {
    return removeFile(this.#path);
  }
}

/** If that fails, recovery does it. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}

/** The operating system may take less than it is given. */
async function writeAll(
  handle: FileHandle,
  parts: readonly Uint8Array[],
  start: number,
): Promise<void> {
  let position = start;
  let left = parts.filter(({ length }) => length > 0);
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left, position);
    position += bytesWritten;
    left = behind(left, bytesWritten);
  }
}

/** What remains of the parts after their first `bytes`. */
function behind(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  return parts.flatMap((part) => {
    const gone = Math.min(skip, part.length);
    skip -= gone;
    return gone === part.length ? [] : [part.subarray(gone)];
  });
}

/** Waits until the disk has the folder's entries. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
