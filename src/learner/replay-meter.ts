import type { MetricsRecorder } from "../metrics/recorder.ts";
import type { ReplayBatch } from "../replay/batch.ts";
import type { Replay } from "../replay/replay.ts";

/** Measures replay, from what it was when the process began. */
export class ReplayMeter {
  readonly #replay: Replay;
  readonly #recorder: MetricsRecorder;
  #added = 0;
  #evicted = 0;
  #stale = 0;

  constructor(replay: Replay, recorder: MetricsRecorder) {
    this.#replay = replay;
    this.#recorder = recorder;
    const { inserted, stalePriorities } = replay.counters;
    this.#added = inserted;
    this.#evicted = inserted - replay.size;
    this.#stale = stalePriorities;
    recorder.goOn("troupe_replay_added_total", this.#added);
    recorder.goOn("troupe_replay_evicted_total", this.#evicted);
    recorder.goOn("troupe_replay_stale_priorities_total", this.#stale);
  }

  /** Of a batch that was drawn; only prioritized sampling has importance weights. */
  drawn(batch: ReplayBatch, importanceExponent: number): void {
    if (this.#replay.options.sampling.kind !== "prioritized") return;
    let least = Infinity;
    for (const weight of batch.importanceWeights) least = Math.min(least, weight);
    this.#recorder.set("troupe_replay_importance_exponent", importanceExponent);
    this.#recorder.set("troupe_replay_importance_weight_min", least);
  }

  /** Records what replay holds now, and what it did since the last time. */
  read(): void {
    const { size, sampler, counters } = this.#replay;
    const recorder = this.#recorder;
    const { inserted, stalePriorities } = counters;
    const evicted = inserted - size;
    recorder.set("troupe_replay_size_transitions", size);
    recorder.inc("troupe_replay_added_total", inserted - this.#added);
    recorder.inc("troupe_replay_evicted_total", evicted - this.#evicted);
    recorder.inc("troupe_replay_stale_priorities_total", stalePriorities - this.#stale);
    this.#added = inserted;
    this.#evicted = evicted;
    this.#stale = stalePriorities;
    if (sampler.totalWeight === undefined || size === 0) return;
    recorder.set("troupe_replay_priority_mean", sampler.totalWeight / size);
    recorder.set("troupe_replay_priority_max", sampler.state().maxWeight);
  }
}
