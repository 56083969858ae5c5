import type { RunFolder } from "../learner/run-folder.ts";
import { EvaluationsNpz } from "../metrics/evaluations-npz.ts";
import { JsonlWriter } from "../metrics/jsonl.ts";
import type { LogSink } from "../metrics/log-record.ts";
import { MonitorCsvWriter, type MonitorEpisode } from "../metrics/monitor-csv.ts";
import { ProgressCsvWriter } from "../metrics/progress-csv.ts";
import { TensorBoardWriter } from "../metrics/tensorboard.ts";

/** The curves in a run folder: metrics.jsonl, progress.csv, tb/, monitor/, evaluations.npz. */
export class RunFiles implements Disposable {
  readonly sinks: readonly LogSink[];
  readonly evaluations: EvaluationsNpz;
  readonly #folder: RunFolder;
  readonly #envId: string;
  readonly #monitors = new Map<number, MonitorCsvWriter>();

  /** @param resumeStep What is recorded after this environment step is dropped. */
  constructor(folder: RunFolder, envId: string, resumeStep: number) {
    const { paths } = folder;
    this.#folder = folder;
    this.#envId = envId;
    const now = Date.now() / 1000;
    this.sinks = [
      new JsonlWriter(paths.metrics, resumeStep),
      new ProgressCsvWriter(paths.progress, resumeStep),
      new TensorBoardWriter(paths.tensorboard, now, resumeStep > 0 ? resumeStep : undefined),
    ];
    this.evaluations = new EvaluationsNpz(paths.evaluations, resumeStep);
  }

  /** Adds a training episode that just ended to its actor's file. */
  monitor(slot: number, episode: Omit<MonitorEpisode, "time">): void {
    let writer = this.#monitors.get(slot);
    if (!writer) {
      const start = Date.parse(this.#folder.info.createdAt) / 1000;
      writer = new MonitorCsvWriter(this.#folder.paths.monitor(slot), this.#envId, start);
      this.#monitors.set(slot, writer);
    }
    writer.write({ ...episode, time: Date.now() / 1000 });
  }

  [Symbol.dispose](): void {
    for (const writer of [...this.sinks, ...this.#monitors.values()]) writer[Symbol.dispose]();
  }
}
