import { summarise } from "../math/summary.ts";
import type { EvaluationEntry } from "./evaluations-npz.ts";
import type { LogRecord, LogSink } from "./log-record.ts";
import type { MetricsRegistry } from "./registry.ts";

/** Episodes the rollout statistics look back on. */
const WINDOW = 100;

/** A training episode that ended. */
export interface EpisodeSummary {
  readonly return: number;
  readonly length: number;
  readonly outcome: "terminated" | "truncated" | "failed";
}

export interface RunLogOptions {
  readonly registry: MetricsRegistry;
  readonly sink: LogSink;
  /** Actors alive. */
  readonly actors: () => number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Unix time in milliseconds. */
  readonly wallTime: () => number;
  /** What a resumed run had done before: its counters go on from here. */
  readonly before?: {
    readonly envSteps: number;
    readonly updates: number;
    readonly episodes: number;
  };
}

/** Makes the records that go to every log: counters, rates, the last episodes, the last evaluation. */
export class RunLog {
  readonly #options: RunLogOptions;
  readonly #start: number;
  #returns: number[] = [];
  #lengths: number[] = [];
  #last: { time: number; envSteps: number; updates: number };
  #best = -Infinity;

  constructor(options: RunLogOptions) {
    this.#options = options;
    const { registry, before } = options;
    if (before) {
      registry.recorder.goOn("troupe_env_steps_total", before.envSteps);
      registry.recorder.goOn("troupe_learner_updates_total", before.updates);
      registry.recorder.goOn("troupe_episodes_total", before.episodes, { outcome: "earlier" });
    }
    this.#start = options.now();
    this.#last = { time: this.#start, ...this.#totals() };
  }

  /** Returns of the last 100 episodes, oldest first. */
  get returns(): readonly number[] {
    return this.#returns;
  }

  episode({ return: total, length, outcome }: EpisodeSummary): void {
    const { recorder } = this.#options.registry;
    recorder.inc("troupe_episodes_total", 1, { outcome });
    this.#returns = [...this.#returns, total].slice(-WINDOW);
    this.#lengths = [...this.#lengths, length].slice(-WINDOW);
    const returns = summarise(this.#returns);
    recorder.set("troupe_episode_return_mean", returns.mean);
    recorder.set("troupe_episode_return_std", returns.std);
    recorder.set("troupe_episode_return_min", returns.min);
    recorder.set("troupe_episode_return_max", returns.max);
    recorder.set("troupe_episode_length_mean", summarise(this.#lengths).mean);
  }

  evaluation({ returns, lengths }: EvaluationEntry): void {
    const { recorder } = this.#options.registry;
    const summary = summarise(returns);
    this.#best = Math.max(this.#best, summary.mean);
    recorder.set("troupe_eval_return_mean", summary.mean);
    recorder.set("troupe_eval_return_std", summary.std);
    recorder.set("troupe_eval_length_mean", summarise(lengths).mean);
    recorder.set("troupe_eval_return_best", this.#best);
  }

  /** Makes a record of now and writes it to the sink. */
  record(): LogRecord {
    const { registry, sink, now, wallTime, actors } = this.#options;
    const time = now();
    const totals = this.#totals();
    const seconds = Math.max((time - this.#last.time) / 1000, 1e-6);
    const steps = totals.envSteps - this.#last.envSteps;
    const updates = totals.updates - this.#last.updates;
    const values = new Map<string, number>([
      ["time/time_elapsed", (time - this.#start) / 1000],
      ["time/fps", steps / seconds],
      ["time/sps_actor", steps / seconds / Math.max(1, actors())],
      ["time/sps_learner", updates / seconds],
      ...(steps > 0 ? ([["time/replay_ratio", updates / steps]] as const) : []),
      ...registry.takeLogValues(),
    ]);
    this.#last = { time, ...totals };
    const record = { step: totals.envSteps, time: wallTime() / 1000, values };
    sink.write(record);
    return record;
  }

  #totals(): { envSteps: number; updates: number } {
    const { registry } = this.#options;
    return {
      envSteps: registry.value("troupe_env_steps_total"),
      updates: registry.value("troupe_learner_updates_total"),
    };
  }
}
