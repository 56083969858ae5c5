import { copyFileSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ActorTable } from "../../../src/replay/log/actor-table.ts";
import {
  type FrameLog,
  type FrameLogOptions,
  openFrameLog,
  type RecoveredLog,
} from "../../../src/replay/log/frame-log.ts";
import type { LogRecord } from "../../../src/replay/log/log-record.ts";

export const root = mkdtempSync(join(tmpdir(), "troupe-log-"));

export function newFolder(): string {
  return mkdtempSync(join(root, "replay-"));
}

export interface OpenedLog extends AsyncDisposable {
  readonly log: FrameLog;
  readonly recovered: RecoveredLog;
  readonly troubles: (string | null)[];
  readonly warnings: string[];
}

export async function openLog(
  folder: string,
  options: Partial<FrameLogOptions> = {},
): Promise<OpenedLog> {
  const [troubles, warnings]: [(string | null)[], string[]] = [[], []];
  const { log, recovered } = await openFrameLog({
    folder,
    quotaBytes: Infinity,
    syncIntervalMs: 0,
    checkTerm: () => undefined,
    onDurable: () => undefined,
    onTrouble: (message) => troubles.push(message),
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  return {
    log,
    recovered,
    troubles,
    warnings,
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

export function join_(slot: number, incarnation = 1): LogRecord {
  const cursor = { slot, incarnation, host: "h", index: slot, instance: "i", next: 0, refused: [] };
  return { kind: "join", cursor };
}

export function unroll(sequence: number, size = 40, slot = 0): LogRecord {
  const payload = Uint8Array.from({ length: size }, (_, i) => sequence + i);
  return { kind: "unroll", slot, incarnation: 1, sequence, payload };
}

/** All that recovery gives back. */
export interface LogFold {
  readonly cursors: RecoveredLog["cursors"];
  readonly unrolls: readonly string[];
}

/** What the records come to, `unrolls` as `describeUnroll` has them. */
export function foldOf(records: readonly LogRecord[]): LogFold {
  const table = new ActorTable({ maxActors: 0 });
  const unrolls: string[] = [];
  for (const record of records) {
    table.apply(record);
    if (record.kind === "unroll")
      unrolls.push(describeUnroll({ ...record, index: unrolls.length }));
  }
  return { cursors: table.cursors(), unrolls };
}

export function describeUnroll(unroll: {
  readonly index: number;
  readonly slot: number;
  readonly incarnation: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}): string {
  const { index, slot, incarnation, sequence, payload } = unroll;
  return `${index}: ${slot}.${incarnation}.${sequence} ${Buffer.from(payload).toString("hex")}`;
}

export function contentOf({ log, recovered }: OpenedLog, from = 0): LogFold {
  const unrolls = [...log.unrolls(from, recovered.end)].map(describeUnroll);
  return { cursors: recovered.cursors, unrolls };
}

/** The folder as a crash at this moment would leave it; tried again when a name changed meanwhile. */
export function copyFolder(from: string): string {
  for (;;) {
    const to = newFolder();
    const names = readdirSync(from);
    try {
      for (const name of names) copyFileSync(join(from, name), join(to, name));
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
      continue;
    }
    if (String(readdirSync(from)) === String(names)) return to;
  }
}
