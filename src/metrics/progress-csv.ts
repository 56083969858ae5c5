import { AppendFile, keepLines } from "./append-file.ts";
import { logKeys } from "./definitions.ts";
import type { LogRecord, LogSink } from "./log-record.ts";

const HEADER = ["step", "time", ...logKeys].join(",");

/**
 * progress.csv: a column for every log key there is, so that the header never changes; a value that
 * is not there yet is an empty cell.
 */
export class ProgressCsvWriter implements LogSink {
  readonly #file: AppendFile;

  /** @param resumeStep Rows after this step are dropped; they will be written again. */
  constructor(path: string, resumeStep = 0) {
    // Another header is another version's: its columns are not ours, and it begins anew.
    const isKept = (line: string): boolean =>
      line === HEADER || Number(line.split(",")[0]) <= resumeStep;
    const kept = keepLines(path, isKept);
    const isOurs = kept[0] === HEADER;
    if (!isOurs) keepLines(path, () => false);
    this.#file = new AppendFile(path);
    if (!isOurs) this.#file.append(`${HEADER}\n`);
  }

  write({ step, time, values }: LogRecord): void {
    const cells = [step, time, ...logKeys.map((key) => values.get(key) ?? "")];
    this.#file.append(`${cells.join(",")}\n`);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
