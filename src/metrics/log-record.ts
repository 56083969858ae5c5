/** The metrics of one moment, as they go into every log file. */
export interface LogRecord {
  /** Environment steps: the axis of every curve. */
  readonly step: number;
  /** Unix time in seconds. */
  readonly time: number;
  /** By log key; a key without a value yet is left out. */
  readonly values: ReadonlyMap<string, number>;
}

/** Somewhere records are kept. */
export interface LogSink extends Disposable {
  /** @throws RunError DISK_FULL */
  write(record: LogRecord): void;
}
