import type { RunFolder } from "../learner/run-folder.ts";
import { type EvaluationEntry, EvaluationsNpz } from "../metrics/evaluations-npz.ts";
import { JsonlWriter } from "../metrics/jsonl.ts";
import type { LogRecord, LogSink } from "../metrics/log-record.ts";
import { MonitorCsvWriter, type MonitorEpisode } from "../metrics/monitor-csv.ts";
import { ProgressCsvWriter } from "../metrics/progress-csv.ts";
import { TensorBoardWriter } from "../metrics/tensorboard.ts";
import type { DiskWatch } from "./disk-watch.ts";

export interface RunFilesOptions {
  readonly disk: DiskWatch;
  readonly envId: string;
  /** What is recorded after this environment step is dropped. */
  readonly resumeStep: number;
}

/**
 * The curves in a run folder: metrics.jsonl, progress.csv, tb/, monitor/, evaluations.npz. On a full disk
 * they have gaps, see DiskWatch.
 */
export class RunFiles implements LogSink {
  readonly #disk: DiskWatch;
  readonly #sinks: readonly LogSink[];
  readonly #evaluations: EvaluationsNpz;
  readonly #folder: RunFolder;
  readonly #envId: string;
  readonly #monitors = new Map<number, MonitorCsvWriter>();

  constructor(folder: RunFolder, { disk, envId, resumeStep }: RunFilesOptions) {
    const { paths } = folder;
    this.#disk = disk;
    this.#folder = folder;
    this.#envId = envId;
    const now = Date.now() / 1000;
    this.#sinks = [
      new JsonlWriter(paths.metrics, resumeStep),
      new ProgressCsvWriter(paths.progress, resumeStep),
      new TensorBoardWriter(paths.tensorboard, now, resumeStep > 0 ? resumeStep : undefined),
    ];
    this.#evaluations = new EvaluationsNpz(paths.evaluations, resumeStep);
  }

  write(record: LogRecord): void {
    for (const [i, sink] of this.#sinks.entries()) {
      this.#disk.attempt(`log ${i}`, () => sink.write(record));
    }
    this.#saveEvaluations();
  }

  /** Adds what an evaluation measured; where there is no room now, it is tried again with each record. */
  evaluation(entry: EvaluationEntry): void {
    this.#evaluations.add(entry);
    this.#saveEvaluations();
  }

  /** Adds a training episode that just ended to its actor's file. */
  monitor(slot: number, episode: Omit<MonitorEpisode, "time">): void {
    this.#disk.attempt(`monitor ${slot}`, () => {
      this.#monitorOf(slot).write({ ...episode, time: Date.now() / 1000 });
    });
  }

  [Symbol.dispose](): void {
    for (const writer of [...this.#sinks, ...this.#monitors.values()]) writer[Symbol.dispose]();
  }

  #monitorOf(slot: number): MonitorCsvWriter {
    const known = this.#monitors.get(slot);
    if (known) return known;
    const start = Date.parse(this.#folder.info.createdAt) / 1000;
    const writer = new MonitorCsvWriter(this.#folder.paths.monitor(slot), this.#envId, start);
    this.#monitors.set(slot, writer);
    return writer;
  }

  #saveEvaluations(): void {
    this.#disk.attempt("evaluations", () => this.#evaluations.save());
  }
}
