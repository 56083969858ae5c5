import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SegmentFile } from "../segment-writer.ts";

/** A segment that is sealed; it holds the unrolls [first, end). */
export interface SealedSegment extends SegmentFile {
  readonly first: number;
  readonly end: number;
}

const SEALED = /^log-(\d{12,})-(\d{12,})-([0-9a-f]{64})\.seg$/;
const OPEN = /^log-\d{12,}-[0-9a-f]+\.open$/;

/** Whether a file of RUN/replay belongs to the log, which alone removes it. */
export function isLogFile(name: string): boolean {
  return name.startsWith("log-");
}

/** The hash is in the name, so that a checkpoint can list the segment unread. */
export function sealedName(range: { first: number; end: number }, sha256: string): string {
  return `log-${digits(range.first)}-${digits(range.end)}-${sha256}.seg`;
}

/** @param token Tells it from a file that a learner which is cut off may make. */
export function openName(first: number, token: string): string {
  return `log-${digits(first)}-${token}.open`;
}

export function isOpenName(name: string): boolean {
  return OPEN.test(name);
}

/** For a file that is kept only to be looked into. */
export function damagedName(name: string): string {
  return name.replace(/^log-/, "log-damaged-");
}

export function parseSealedName(name: string): Omit<SealedSegment, "sizeBytes"> | undefined {
  const match = SEALED.exec(name);
  if (match === null) return undefined;
  const [, first, end, sha256 = ""] = match;
  return { name, first: Number(first), end: Number(end), sha256 };
}

/**
 * The sealed segments of a folder with any of the unrolls [from, to), oldest first. While the log is open
 * elsewhere, ask only for what it must keep.
 */
export function listSealed(folder: string, from = 0, to = Infinity): SealedSegment[] {
  return readdirSync(folder)
    .flatMap((name) => parseSealedName(name) ?? [])
    .filter(({ first, end }) => end > from && first < to)
    .map((segment) => ({ ...segment, sizeBytes: statSync(join(folder, segment.name)).size }))
    .sort((a, b) => a.first - b.first || a.end - b.end);
}

/** The oldest unroll in those of the files that are log segments; 0 when none is. */
export function oldestListed(paths: Iterable<string>): number {
  let oldest = Infinity;
  for (const path of paths) {
    const segment = parseSealedName(path.slice(path.lastIndexOf("/") + 1));
    if (segment) oldest = Math.min(oldest, segment.first);
  }
  return oldest === Infinity ? 0 : oldest;
}

function digits(index: number): string {
  return String(index).padStart(12, "0");
}
