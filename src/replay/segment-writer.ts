import { createHash, type Hash } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { writeFailure } from "../storage/durable-files.ts";
import {
  FRAME_HEAD_BYTES,
  HEADER_BYTES,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  TRAILER_BYTES,
  TRAILER_MARK,
} from "./segment-format.ts";

/** A file as a manifest lists it. */
export interface SegmentFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Writes one segment. Nothing exists under its final name before `seal`. */
export class SegmentWriter implements Disposable {
  readonly #temporary: string;
  readonly #folder: string;
  readonly #hash: Hash = createHash("sha256");
  #handle: number | undefined;
  #sizeBytes = 0;
  #frames = 0;

  /** @throws RunError DISK_FULL, or INTERNAL for another failure of the file system. */
  constructor(folder: string, temporaryName: string) {
    this.#folder = folder;
    this.#temporary = join(folder, temporaryName);
    this.#handle = attempt(this.#temporary, () => openSync(this.#temporary, "w"));
    try {
      this.#write(segmentHeader());
    } catch (thrown) {
      this[Symbol.dispose]();
      throw thrown;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Hands a frame to the operating system; `sync` or `seal` waits for the disk. */
  append(payload: Uint8Array): void {
    if (payload.length >= TRAILER_MARK) throw new RangeError(`frame of ${payload.length} bytes`);
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt32LE(crc32c(payload, crc32c(head.subarray(0, 4))), 4);
    this.#write(head);
    this.#write(payload);
    this.#frames += 1;
  }

  /** Returns when the disk has every frame so far. */
  sync(): void {
    attempt(this.#temporary, () => fsyncSync(this.#open()));
  }

  /**
   * Ends the segment and gives it its name, made from its SHA-256: equal names mean equal contents, so
   * an earlier file of that name is replaced by its like.
   */
  seal(nameOf: (sha256: string) => string): SegmentFile {
    this.#write(segmentTrailer(this.#frames));
    this.sync();
    closeSync(this.#open());
    this.#handle = undefined;
    const sha256 = this.#hash.digest("hex");
    const name = nameOf(sha256);
    attempt(this.#temporary, () => renameSync(this.#temporary, join(this.#folder, name)));
    return { name, sizeBytes: this.#sizeBytes, sha256 };
  }

  /** Removes what was written, unless it was sealed. */
  [Symbol.dispose](): void {
    if (this.#handle === undefined) return;
    closeSync(this.#handle);
    this.#handle = undefined;
    rmSync(this.#temporary, { force: true });
  }

  #open(): number {
    if (this.#handle === undefined) throw new RangeError("segment is sealed");
    return this.#handle;
  }

  #write(bytes: Uint8Array): void {
    const handle = this.#open();
    attempt(this.#temporary, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
    });
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }
}

export function segmentHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  SEGMENT_MAGIC.copy(header);
  header.writeUInt32LE(SEGMENT_VERSION, 8);
  header.writeUInt32LE(crc32c(header.subarray(0, 12)), 12);
  return header;
}

export function segmentTrailer(frames: number): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(TRAILER_MARK, 0);
  trailer.writeUInt32LE(frames, 4);
  trailer.writeUInt32LE(crc32c(trailer.subarray(0, 8)), 8);
  return trailer;
}

/** Waits until the disk has the folder's entries: files made, renamed or removed in it. */
export function syncFolder(folder: string): void {
  // Windows has no such call.
  if (process.platform === "win32") return;
  attempt(folder, () => {
    const handle = openSync(folder, "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  });
}

/** Runs a file system call; what fails becomes a RunError that names the file. */
function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw writeFailure(path, thrown);
  }
}
