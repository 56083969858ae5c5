import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../../errors.ts";
import { SegmentWriter, syncFolder } from "../segment-writer.ts";
import { ActorTable } from "./actor-table.ts";
import {
  damagedName,
  isOpenName,
  listSealed,
  type SealedSegment,
  sealedName,
} from "./log-names.ts";
import { countUnrolls, damaged, readSealed, type SegmentContent } from "./log-reader.ts";
import { type OpenLog, readOpenLog } from "./read-open-log.ts";

/** Where the log stands when it is opened. */
export interface LogState {
  /** Oldest first. */
  readonly sealed: readonly SealedSegment[];
  /** Everything before: the fold of all records. */
  readonly table: ActorTable;
  /** Index of the next unroll. */
  readonly end: number;
  /** Where the unrolls in the log end; less than `end` when it goes on behind a gap. */
  readonly loggedEnd: number;
  readonly nextOrdinal: number;
  /** Paths of open segments that hold no unrolls, to be removed once a new one is on the disk. */
  readonly superseded: readonly string[];
  readonly warnings: readonly string[];
}

export interface RecoverOptions {
  readonly folder: string;
  /** Unrolls in the replay that goes on. */
  readonly cut: number;
  checkTerm(): void;
}

const RECOVERED = "log-recovered.tmp";

/**
 * Finds the log's state, and seals what a crash left open. Segments with unrolls behind the cut are verified,
 * and the newest if the state is there; others when they are used.
 *
 * What was open is sealed as a copy: a learner that was cut off may still have the file in its hands.
 *
 * @throws RunError CHECKPOINT_CORRUPT, DISK_FULL, RUN_LOCKED.
 */
export function recoverLog({ folder, cut, checkTerm }: RecoverOptions): LogState {
  checkTerm();
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, RECOVERED), { force: true });
  const warnings: string[] = [];
  const listed = listSealed(folder);
  checkChain(folder, listed);
  const sealed = setDamagedAside(folder, { listed, cut, warnings });
  const open = findOpen(folder, sealed.at(-1), warnings);
  const newest = open?.content ?? lastContent(folder, sealed);
  const { table, first, end: loggedEnd } = fold(newest, cut);
  const isEmpty = loggedEnd === first;
  if (open && !isEmpty) {
    sealed.push(sealCopy(folder, open, { first, end: loggedEnd }));
    rmSync(open.path);
    syncFolder(folder);
  }
  if (loggedEnd < cut) warnings.push(gapWarning(loggedEnd, cut));
  return {
    sealed,
    table,
    end: Math.max(loggedEnd, cut),
    loggedEnd,
    nextOrdinal: newest ? newest.snapshot.ordinal + 1 : 0,
    superseded: open && isEmpty ? [open.path] : [],
    warnings,
  };
}

/** A log without any segment begins at `start`. */
function fold(
  newest: SegmentContent | undefined,
  start: number,
): { table: ActorTable; first: number; end: number } {
  const table = new ActorTable({ maxActors: 0 });
  if (newest === undefined) return { table, first: start, end: start };
  const { snapshot, entries } = newest;
  for (const cursor of snapshot.cursors) table.apply({ kind: "join", cursor });
  for (const entry of entries) {
    if (entry.kind !== "snapshot" && entry.kind !== "mark") table.apply(entry);
  }
  return { table, first: snapshot.first, end: snapshot.first + countUnrolls(entries) };
}

interface FoundOpen extends OpenLog {
  readonly path: string;
}

function lastContent(folder: string, sealed: readonly SealedSegment[]): SegmentContent | undefined {
  const last = sealed.at(-1);
  return last && readSealed(folder, last);
}

/** Segments follow one another, unless one says that it begins behind a gap. */
function checkChain(folder: string, sealed: readonly SealedSegment[]): void {
  let before: SealedSegment | undefined;
  for (const segment of sealed) {
    if (before !== undefined && before.end !== segment.first) {
      const { previousEnd } = readSealed(folder, segment).snapshot;
      if (previousEnd !== before.end || segment.first < before.end) {
        throw gap(folder, before.end, segment.first);
      }
    }
    before = segment;
  }
}

/**
 * Verifies what comes after the checkpoint. A segment that is damaged gets another name, and so does all that
 * follows: the run goes on from before them, as it does from the checkpoint before a damaged one.
 *
 * @returns the segments that remain.
 */
function setDamagedAside(
  folder: string,
  { listed, cut, warnings }: { listed: SealedSegment[]; cut: number; warnings: string[] },
): SealedSegment[] {
  for (const [i, segment] of listed.entries()) {
    const damage = segment.end > cut ? damageOf(folder, segment) : undefined;
    if (damage === undefined) continue;
    const doomed = [
      ...listed.slice(i).map(({ name }) => name),
      ...readdirSync(folder).filter(isOpenName),
    ];
    // Newest first, so that a crash leaves no gap.
    for (const name of doomed.toReversed()) {
      renameSync(join(folder, name), join(folder, damagedName(name)));
      syncFolder(folder);
    }
    warnings.push(
      `${damage}; it and all after it, from unroll ${segment.first} on, were set aside as log-damaged-* and are lost to the run`,
    );
    return listed.slice(0, i);
  }
  return listed;
}

/** What is wrong with a segment's content; that it cannot be read is another matter. */
function damageOf(folder: string, segment: SealedSegment): string | undefined {
  try {
    readSealed(folder, segment);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof RunError && thrown.code === "CHECKPOINT_CORRUPT")) throw thrown;
    if (thrown.cause !== undefined) throw thrown;
    return thrown.message;
  }
}

/** The segment that was open last; removes what others left, which nobody was told of. */
function findOpen(
  folder: string,
  last: SealedSegment | undefined,
  warnings: string[],
): FoundOpen | undefined {
  const opens: FoundOpen[] = [];
  for (const name of readdirSync(folder).filter(isOpenName)) {
    const path = join(folder, name);
    const open = readOpenLog(path);
    if (open === undefined) rmSync(path);
    else opens.push({ ...open, path });
  }
  opens.sort((a, b) => b.content.snapshot.ordinal - a.content.snapshot.ordinal);
  const [newest, second] = opens;
  if (newest === undefined) return undefined;
  const { ordinal, first, previousEnd } = newest.content.snapshot;
  if (second?.content.snapshot.ordinal === ordinal) {
    throw damaged(newest.path, 0, `${second.path} continues the same segment`);
  }
  for (const { path } of opens.slice(1)) rmSync(path);
  if (last !== undefined && first !== last.end) {
    // It was sealed as a copy, or another took over from it, and it was to be removed.
    if (ordinal <= readSealed(folder, last).snapshot.ordinal) {
      rmSync(newest.path);
      return undefined;
    }
    if (previousEnd !== last.end || first < last.end) throw gap(folder, last.end, first);
  }
  if (newest.tornBytes > 0) {
    warnings.push(
      `${newest.path} was cut before its last ${newest.tornBytes} bytes, which a crash tore`,
    );
  }
  return newest;
}

function sealCopy(
  folder: string,
  open: FoundOpen,
  range: { first: number; end: number },
): SealedSegment {
  using writer = new SegmentWriter(folder, RECOVERED);
  for (const payload of open.payloads) writer.append(payload);
  const file = writer.seal((sha256) => sealedName(range, sha256));
  syncFolder(folder);
  return { ...file, ...range };
}

function gap(folder: string, end: number, first: number): RunError {
  return new RunError(
    "CHECKPOINT_CORRUPT",
    `${folder}: the log has unrolls up to ${end} and from ${first} on, and nothing between: ` +
      "put the missing segments back, or remove those after the gap and lose what is in them",
  );
}

function gapWarning(end: number, cut: number): string {
  return `the log ends at unroll ${end}, replay at ${cut}: what came between was not logged; the log goes on from there`;
}
