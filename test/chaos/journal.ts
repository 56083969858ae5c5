import { existsSync, readFileSync } from "node:fs";

/** A line of an actor host's journal: an unroll that the learner called durable, or refused for good. */
export interface JournalLine {
  readonly slot: number;
  readonly incarnation: number;
  readonly sequence: number;
  readonly steps: number;
  readonly checksum: number;
  readonly refused?: string;
}

/** Complete lines; a process that is killed may leave a part of one. */
export function readJournal(path: string): readonly JournalLine[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter(Boolean).map((line) => JSON.parse(line) as JournalLine);
}
