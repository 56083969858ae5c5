import {
  type CounterName,
  definitionOf,
  type GaugeName,
  gaugeOfLogKey,
  type HistogramName,
  type Labels,
} from "./definitions.ts";
import { type Series, SeriesMap } from "./series.ts";

/** What a thread measured since its last update; plain data. */
export type MetricsUpdate = readonly Series[];

/**
 * Measures in the thread where things happen, cheaply; `drain` now and then and post the result to
 * the thread that has the registry. Numbers that are not finite are not counted: a broken clock or
 * a division by zero must not stop a run. (Gauges do take them: a loss may be NaN.)
 */
export class MetricsRecorder {
  readonly #series = new SeriesMap();

  /** @throws RangeError for a negative amount or undeclared labels. */
  inc(name: CounterName, amount = 1, labels?: Labels): void {
    if (amount < 0) throw new RangeError(`${name} cannot go down by ${-amount}`);
    if (Number.isFinite(amount)) this.#series.get(name, labels).value += amount;
  }

  /**
   * Goes on from what processes of the run before this one counted. It is logged, but not shown to
   * Prometheus: that takes any lower start for a reset, and would count it all again.
   */
  goOn(name: CounterName, amount: number, labels?: Labels): void {
    this.#series.get(name, labels).before += amount;
  }

  set(name: GaugeName, value: number, labels?: Labels): void {
    this.#series.get(name, labels).value = value;
  }

  /** Sets the gauge behind a log key such as `train/critic_loss`. @throws RangeError for other keys. */
  setLogged(key: string, value: number): void {
    const gauge = gaugeOfLogKey(key);
    if (gauge === undefined) throw new RangeError(`no gauge is logged as ${key}`);
    const { name, labels } = gauge;
    this.set(name, value, labels);
  }

  observe(name: HistogramName, value: number, labels?: Labels): void {
    if (!Number.isFinite(value)) return;
    const series = this.#series.get(name, labels);
    series.value += value;
    series.count += 1;
    series.max = Math.max(series.max, value);
    const bucket = bucketOf(boundsOf(name), value);
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
  }

  /** What was measured since the last call. */
  drain(): MetricsUpdate {
    return this.#series.take();
  }
}

function boundsOf(name: HistogramName): readonly number[] {
  const definition = definitionOf(name);
  return definition.type === "histogram" ? definition.buckets : [];
}

/** Index of the first bound that is not below `value`. */
function bucketOf(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? Infinity) >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}
