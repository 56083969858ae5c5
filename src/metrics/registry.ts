import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import { AggregatorRegistry, collectDefaultMetrics, Registry } from "prom-client";
import {
  definitionOf,
  type HistogramDefinition,
  type MetricDefinition,
  type MetricName,
  type MetricRole,
  metricNames,
  roleOf,
} from "./definitions.ts";
import { MetricsRecorder, type MetricsUpdate } from "./recorder.ts";
import { newSeries, type Series, SeriesMap } from "./series.ts";

/** prom-client calls these gauges `_total`, which is for counters alone. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Where the measurements of all threads come together. */
export class MetricsRegistry {
  /** For what the thread of the registry measures itself. */
  readonly recorder = new MetricsRecorder();
  readonly #series = new SeriesMap();
  readonly #process = new Registry();
  /** Sum and count of each histogram when they were last logged. */
  readonly #logged = new Map<MetricName, { sum: number; count: number }>();
  readonly #maxima = new Map<MetricName, number>();
  readonly #roles: readonly MetricRole[];

  /** @param roles What the process is: it shows no zeros for what it has no part in. */
  constructor(roles: readonly MetricRole[] = ["learner", "actors"]) {
    this.#roles = roles;
    collectDefaultMetrics({ register: this.#process });
    for (const name of MISNAMED) this.#process.removeSingleMetric(name);
    this.recorder.set("troupe_heap_limit_bytes", getHeapStatistics().heap_size_limit);
    this.recorder.set("troupe_memory_limit_bytes", memoryLimit());
  }

  /** Adds what a thread drained from its recorder. */
  apply(update: MetricsUpdate): void {
    for (const change of update) {
      const series = this.#series.get(change.name, change.labels);
      const isGauge = definitionOf(change.name).type === "gauge";
      series.value = isGauge ? change.value : series.value + change.value;
      series.before += change.before;
      series.count += change.count;
      for (const [i, count] of change.buckets.entries()) {
        series.buckets[i] = (series.buckets[i] ?? 0) + count;
      }
      const max = Math.max(this.#maxima.get(change.name) ?? -Infinity, change.max);
      this.#maxima.set(change.name, max);
    }
  }

  /** Sum of a counter since the run began, value of a gauge, sum of a histogram, over all labels; NaN for a gauge not set. */
  value(name: MetricName): number {
    this.apply(this.recorder.drain());
    const all = this.#series.of(name);
    if (all.length === 0 && definitionOf(name).type === "gauge") return Number.NaN;
    return all.reduce((sum, { value, before }) => sum + value + before, 0);
  }

  /** Prometheus' text format, the process's own metrics included. */
  async text(): Promise<string> {
    this.apply(this.recorder.drain());
    const ours = metricNames.flatMap((name) => this.#export(name));
    return (await AggregatorRegistry.aggregate([ours]).metrics()) + (await this.#process.metrics());
  }

  /** The values to log, by key. Histograms give their mean and maximum since the last call. */
  takeLogValues(): ReadonlyMap<string, number> {
    this.apply(this.recorder.drain());
    return new Map(metricNames.flatMap((name) => this.#log(name)));
  }

  #log(name: MetricName): readonly [string, number][] {
    const definition = definitionOf(name);
    switch (definition.type) {
      case "counter":
        return definition.log === undefined ? [] : [[definition.log, this.value(name)]];
      case "gauge":
        return this.#logGauge(name, definition);
      case "histogram":
        return this.#logHistogram(name, definition);
    }
  }

  #logGauge(name: MetricName, { log, labels = [] }: MetricDefinition): [string, number][] {
    return this.#series.of(name).flatMap((series): [string, number][] => {
      const [label = ""] = labels;
      const key = typeof log === "object" ? log[series.labels[label] ?? ""] : log;
      return key === undefined ? [] : [[key, series.value]];
    });
  }

  #logHistogram(name: MetricName, definition: HistogramDefinition): [string, number][] {
    const all = this.#series.of(name);
    const sum = all.reduce((total, series) => total + series.value, 0);
    const count = all.reduce((total, series) => total + series.count, 0);
    const before = this.#logged.get(name) ?? { sum: 0, count: 0 };
    const max = this.#maxima.get(name) ?? -Infinity;
    if (count === before.count) return [];
    this.#logged.set(name, { sum, count });
    this.#maxima.delete(name);
    const { log, logMax, logScale = 1 } = definition;
    const mean = ((sum - before.sum) / (count - before.count)) * logScale;
    const pairs: [string, number][] = log === undefined ? [] : [[log, mean]];
    return logMax === undefined ? pairs : [...pairs, [logMax, max * logScale]];
  }

  #export(name: MetricName) {
    const definition = definitionOf(name);
    const all = [...this.#series.of(name).filter(isShown), ...this.#zeros(name)];
    if (all.length === 0) return [];
    const values = all.flatMap((series) =>
      definition.type === "histogram"
        ? histogramSamples(series, definition.buckets)
        : [{ labels: series.labels, value: series.value }],
    );
    return [{ name, help: definition.help, type: definition.type, values, aggregator: "first" }];
  }

  /** Counters and histograms begin at zero, so that the first increase can be seen as one. */
  #zeros(name: MetricName): readonly Series[] {
    const definition = definitionOf(name);
    const role = roleOf(name);
    if (role !== undefined && !this.#roles.includes(role)) return [];
    if (definition.type === "gauge") return [];
    const known = this.#series.of(name).filter(isShown);
    if (!definition.labels) return known.length === 0 ? [newSeries(name, {})] : [];
    const [label = ""] = definition.labels;
    const values = definition.type === "counter" ? (definition.values ?? []) : [];
    return values
      .filter((value) => !known.some(({ labels }) => labels[label] === value))
      .map((value) => newSeries(name, { [label]: value }));
  }
}

/** What only processes before this one counted is not. */
function isShown({ value, before }: Series): boolean {
  return before === 0 || value > 0;
}

function memoryLimit(): number {
  // 0 or something astronomical when there is no limit.
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

function histogramSamples(series: Series, bounds: readonly number[]): readonly Sample[] {
  const { name, labels, value, count } = series;
  let below = 0;
  const buckets = bounds.map((bound, i): Sample => {
    below += series.buckets[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { metricName: `${name}_sum`, labels, value },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
