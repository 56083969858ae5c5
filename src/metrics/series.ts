import { definitionOf, type Labels, type MetricName } from "./definitions.ts";

/** The numbers of one metric with one set of labels. Plain data: it is posted between threads. */
export interface Series {
  readonly name: MetricName;
  readonly labels: Labels;
  /** Of a counter: what was added. Of a gauge: its last value. Of a histogram: the sum observed. */
  value: number;
  /** Of a counter: what processes of the run before this one counted. */
  before: number;
  /** Observations of a histogram, else 0. */
  count: number;
  /** Greatest observation, -Infinity when there was none. */
  max: number;
  /** [buckets + 1], not cumulative; the last is for what exceeds every bound. Empty but for histograms. */
  readonly buckets: number[];
}

export function newSeries(name: MetricName, labels: Labels): Series {
  const definition = definitionOf(name);
  const declared = definition.labels ?? [];
  const given = Object.keys(labels);
  if (given.length !== declared.length || !declared.every((label) => given.includes(label))) {
    throw new RangeError(`${name} has the labels [${declared}], not [${given}]`);
  }
  const buckets =
    definition.type === "histogram" ? new Array<number>(definition.buckets.length + 1).fill(0) : [];
  return { name, labels, value: 0, before: 0, count: 0, max: -Infinity, buckets };
}

/** Series of one metric; what comes after them has the label values of OTHER. */
const MAX_SERIES = 100;
const OTHER = "other";

/**
 * Series by name and labels. Label values may come from outside, such as the method of a call, so the
 * series of a metric are bounded.
 */
export class SeriesMap {
  readonly #byKey = new Map<string, Series>();
  readonly #counts = new Map<MetricName, number>();

  /** The one for these labels, made when it is not there. @throws RangeError for undeclared labels. */
  get(name: MetricName, labels: Labels | undefined): Series {
    const key = labels === undefined ? name : seriesKey(name, labels);
    const known = this.#byKey.get(key);
    if (known) return known;
    const made = newSeries(name, labels ?? {});
    const count = this.#counts.get(name) ?? 0;
    if (count >= MAX_SERIES && !isOther(made.labels)) {
      return this.get(name, asOther(made.labels));
    }
    this.#byKey.set(key, made);
    this.#counts.set(name, count + 1);
    return made;
  }

  /** All of them, emptying the map. */
  take(): readonly Series[] {
    const all = [...this.#byKey.values()];
    this.#byKey.clear();
    this.#counts.clear();
    return all;
  }

  of(name: MetricName): readonly Series[] {
    return [...this.#byKey.values()].filter((series) => series.name === name);
  }
}

function isOther(labels: Labels): boolean {
  return Object.values(labels).every((value) => value === OTHER);
}

function asOther(labels: Labels): Labels {
  return Object.fromEntries(Object.keys(labels).map((label) => [label, OTHER]));
}

function seriesKey(name: MetricName, labels: Labels): string {
  let key: string = name;
  // In the declared order, so that {a, b} and {b, a} are one series.
  for (const label of definitionOf(name).labels ?? []) key += `\n${labels[label]}`;
  return key;
}
