import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { CheckpointStore } from "../../src/learner/checkpoint/checkpoint-store.ts";
import { learnerStateOf } from "../../src/learner/cut.ts";
import type { Unroll } from "../../src/protocol.ts";
import { parseLimiterState } from "../../src/replay/limiter-state.ts";
import { LogArchive } from "../../src/replay/log/log-archive.ts";
import { listSealed } from "../../src/replay/log/log-names.ts";
import { readSealed } from "../../src/replay/log/log-reader.ts";
import { SealBarrier } from "../../src/replay/log/seal-barrier.ts";
import type { ReplayOptions } from "../../src/replay/replay.ts";
import { UnrollDecoder } from "../../src/replay/unroll-codec.ts";
import { packBlocks, unpack } from "../../src/replay/unroll-pack.ts";
import { type JournalLine, readJournal } from "./journal.ts";

/** What is compared: a run that has ended in good order, and what its actors wrote down. */
export interface AuditInput {
  readonly run: string;
  readonly journals: readonly string[];
  /** As the learner was told; `shape` of its environment. */
  readonly replay: ReplayOptions;
}

/** Counts are of unrolls. */
export interface AuditResult {
  /** A sentence for each thing that is not as it must be; the first of a kind stands for all. */
  readonly problems: readonly string[];
  readonly logged: number;
  readonly refused: number;
  readonly reportedDurable: number;
  readonly reportedRefused: number;
  /** In the log, but their actors were gone before they heard of it. */
  readonly unheard: number;
  readonly incarnations: number;
  readonly segments: number;
  readonly envSteps: number;
  readonly updates: number;
  readonly returns: readonly number[];
}

interface LoggedFrame {
  readonly id: string;
  readonly actor: string;
  readonly slot: number;
  readonly sequence: number;
  readonly checksum: number;
  readonly unroll: Unroll;
}

interface Log {
  readonly frames: readonly LoggedFrame[];
  /** Ids of frames that were refused, by the log's own word. */
  readonly refused: ReadonlySet<string>;
  /** By actor: below these numbers the actor was done, whatever became of the frames. */
  readonly skips: ReadonlyMap<string, readonly number[]>;
  readonly incarnations: number;
  readonly segments: number;
}

/** Collects problems; of many alike it keeps the first and how many there were. */
class Problems {
  readonly #counts = new Map<string, { first: string; count: number }>();

  add(kind: string, details = ""): void {
    const known = this.#counts.get(kind);
    if (known) known.count += 1;
    else this.#counts.set(kind, { first: details, count: 1 });
  }

  get list(): readonly string[] {
    return [...this.#counts].map(
      ([kind, { first, count }]) => `${kind} (${count} times): ${first}`,
    );
  }
}

/** Compares the log, the journals, the last checkpoint and the metrics with each other. */
export function audit(input: AuditInput): AuditResult {
  const problems = new Problems();
  const log = readLog(input, problems);
  checkOrder(log, problems);
  const lines = input.journals.flatMap(readJournal);
  const unheard = checkJournals(log, lines, problems);
  const cut = checkCheckpoint(input, log, problems);
  const returns = checkMetrics(input.run, problems);
  return {
    problems: problems.list,
    logged: log.frames.length,
    refused: log.refused.size,
    reportedDurable: lines.filter(({ refused }) => refused === undefined).length,
    reportedRefused: lines.filter(({ refused }) => refused !== undefined).length,
    unheard,
    incarnations: log.incarnations,
    segments: log.segments,
    ...cut,
    returns,
  };
}

function readLog({ run, replay }: AuditInput, problems: Problems): Log {
  const folder = join(run, "replay");
  const decoder = new UnrollDecoder(replay);
  const frames: LoggedFrame[] = [];
  const refused = new Set<string>();
  const skips = new Map<string, number[]>();
  const joins = new Set<string>();
  const segments = listSealed(folder);
  let end = 0;
  for (const segment of segments) {
    if (segment.first !== end) problems.add("segments do not follow each other", segment.name);
    end = segment.end;
    for (const entry of readSealed(folder, segment).entries) {
      if (entry.kind === "snapshot" || entry.kind === "mark" || entry.kind === "leave") continue;
      const name = entry.kind === "join" ? entry.cursor : entry;
      const actor = `${name.slot}.${name.incarnation}`;
      if (entry.kind === "join") {
        joins.add(`${actor} ${entry.cursor.instance}`);
        continue;
      }
      const { slot, sequence } = entry;
      const id = `${actor}.${sequence}`;
      if (entry.kind === "refused") refused.add(id);
      if (entry.kind === "skip") skips.set(actor, [...(skips.get(actor) ?? []), sequence]);
      if (entry.kind !== "unroll") continue;
      const { unroll, refusal } = decoder.decode(entry.payload, slot);
      if (!unroll) problems.add("the log holds what is no unroll", `${id}: ${refusal.message}`);
      else {
        const checksum = crc32c(entry.payload);
        frames.push({ id, actor, slot, sequence, checksum, unroll: structuredClone(unroll) });
      }
    }
  }
  const actors = new Set([...joins].map((join) => join.split(" ")[0]));
  if (actors.size !== joins.size) problems.add("an incarnation was given to two processes");
  return { frames, refused, skips, incarnations: joins.size, segments: segments.length };
}

/** Each frame once, each actor's in order, without gaps but for what was refused or skipped. */
function checkOrder({ frames, refused, skips }: Log, problems: Problems): void {
  const next = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, actor, sequence } of frames) {
    if (seen.has(id)) problems.add("a frame is twice in the log", id);
    seen.add(id);
    const expected = next.get(actor) ?? 0;
    if (sequence < expected) problems.add("frames of an actor are out of order", id);
    for (let missing = expected; missing < sequence; missing++) {
      if (refused.has(`${actor}.${missing}`)) continue;
      if (skips.get(actor)?.some((below) => missing < below)) continue;
      problems.add("a frame is missing between others", `${actor}.${missing}`);
    }
    next.set(actor, sequence + 1);
  }
}

/** @returns Unrolls that are in the log and whose actors did not hear of it. */
function checkJournals(log: Log, lines: readonly JournalLine[], problems: Problems): number {
  const logged = new Map(log.frames.map((frame) => [frame.id, frame]));
  const heard = new Set<string>();
  for (const { slot, incarnation, sequence, steps, checksum, refused } of lines) {
    const id = `${slot}.${incarnation}.${sequence}`;
    if (heard.has(id)) problems.add("a frame was reported twice", id);
    heard.add(id);
    const frame = logged.get(id);
    if (refused !== undefined) {
      if (frame) problems.add("a frame was reported refused and is in the log", id);
    } else if (!frame) {
      problems.add("a frame was reported durable and is not in the log", id);
    } else if (frame.checksum !== checksum || frame.unroll.length !== steps) {
      problems.add("a frame in the log is not what its actor sent", id);
    }
  }
  const newest = new Map<number, string>();
  for (const { slot, actor } of log.frames) newest.set(slot, actor);
  const unheard = log.frames.filter(({ id }) => !heard.has(id));
  for (const { id, actor, slot } of unheard) {
    // The last process of each actor lived to the end and was told everything.
    if (newest.get(slot) === actor)
      problems.add("a frame was never reported to an actor that lived", id);
  }
  return unheard.length;
}

/** The ring holds the newest unrolls of the log, each once; counters and limiter agree with them. */
function checkCheckpoint({ run, replay: options }: AuditInput, log: Log, problems: Problems) {
  const checkpoint = new CheckpointStore({ runFolder: run, keep: 2 }).restore();
  if (!checkpoint) {
    problems.add("there is no checkpoint");
    return { envSteps: 0, updates: 0 };
  }
  for (const warning of checkpoint.warnings) problems.add("a checkpoint is damaged", warning);
  const archive = new LogArchive(join(run, "replay"), new SealBarrier(SealBarrier.allocate()));
  const replay = archive.restore(options, checkpoint.json["replay"]);
  const { position } = replay.ring;
  const pack = packBlocks(replay.ring, {
    firstBlock: position.oldestBlock,
    firstRow: replay.ring.skipPadding(position.oldestRow),
    endBlock: position.nextBlock,
  });
  let block = position.oldestBlock;
  for (const unroll of unpack(pack)) {
    const frame = log.frames[block];
    if (!frame) problems.add("the ring holds a block that is not in the log", String(block));
    else if (!sameUnroll(unroll, frame.unroll)) {
      problems.add(
        "a block of the ring is not the log's unroll of its number",
        `${block}: ${frame.id}`,
      );
    }
    block += 1;
  }
  const { envSteps, learnerStep } = learnerStateOf(checkpoint);
  const inCut = log.frames.slice(0, position.nextBlock);
  const steps = inCut.reduce((sum, { unroll }) => sum + unroll.length, 0);
  if (envSteps !== steps) {
    problems.add(
      "environment steps differ",
      `${envSteps} counted, ${steps} in the log up to the cut`,
    );
  }
  if (replay.counters.inserted !== steps) {
    problems.add("insertions differ", `${replay.counters.inserted} counted, ${steps} in the log`);
  }
  checkLimiter(checkpoint.json["limiter"], options, problems);
  if (learnerStep < 1) problems.add("there were no updates");
  return { envSteps, updates: learnerStep };
}

function sameUnroll(a: Unroll, b: Unroll): boolean {
  const columns = ["observations", "actions", "rewards", "policyVersions"] as const;
  return (
    a.actor === b.actor &&
    a.env === b.env &&
    a.length === b.length &&
    a.terminated.at(-1) === b.terminated.at(-1) &&
    a.truncated.at(-1) === b.truncated.at(-1) &&
    columns.every((name) => bytesOf(a[name]).equals(bytesOf(b[name])))
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Draws and inserts keep their distance, to one batch and one unroll. */
function checkLimiter(
  raw: unknown,
  { batchSize, unrollLength }: ReplayOptions,
  problems: Problems,
): void {
  const state = parseLimiterState(raw);
  const { inserts, samples, samplesPerInsert, minSize, errorBuffer, offset } = state;
  const error = inserts * samplesPerInsert - samples - offset;
  const middle = minSize * samplesPerInsert;
  const low = middle - errorBuffer - batchSize;
  const high = middle + errorBuffer + unrollLength * samplesPerInsert;
  if (!(error >= low && error <= high)) {
    problems.add("the limiter has left its band", `${error} is not in [${low}, ${high}]`);
  }
}

/** Everything that was learned is finite. @returns The mean returns of evaluations, in order. */
function checkMetrics(run: string, problems: Problems): readonly number[] {
  const file = join(run, "metrics.jsonl");
  if (!existsSync(file)) {
    problems.add("there is no metrics.jsonl");
    return [];
  }
  const text = readFileSync(file, "utf8");
  const returns: number[] = [];
  let losses = 0;
  for (const line of text.split("\n").filter(Boolean)) {
    const record = JSON.parse(line) as Readonly<Record<string, unknown>>;
    for (const [key, value] of Object.entries(record)) {
      if (!/loss|temperature|ent_coef/.test(key)) continue;
      losses += 1;
      if (!(typeof value === "number" && Number.isFinite(value))) {
        problems.add("a loss is not finite", `${key} is ${String(value)}`);
      }
    }
    const evaluated = record["eval/mean_reward"];
    if (typeof evaluated === "number") returns.push(evaluated);
  }
  if (losses === 0) problems.add("no loss was recorded");
  return returns;
}
