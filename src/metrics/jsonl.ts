import { AppendFile, keepLines } from "./append-file.ts";
import type { LogRecord, LogSink } from "./log-record.ts";

/** metrics.jsonl: one object a record, `{"step":…,"time":…,"rollout/ep_rew_mean":…}`; NaN is null. */
export class JsonlWriter implements LogSink {
  readonly #file: AppendFile;

  /** @param resumeStep Records after this step are dropped; they will be written again. */
  constructor(path: string, resumeStep = 0) {
    keepLines(path, (line) => stepOf(line) <= resumeStep);
    this.#file = new AppendFile(path);
  }

  write({ step, time, values }: LogRecord): void {
    this.#file.append(`${JSON.stringify({ step, time, ...Object.fromEntries(values) })}\n`);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** The step of a written record, Infinity for a line that is none. */
function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === "number" ? step : Infinity;
  } catch {
    return Infinity;
  }
}
