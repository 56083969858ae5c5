/** The process a metric comes from; a learner that has actors of its own is both. */
export type MetricRole = "learner" | "actors";

interface Common {
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Logged as its sum over labels since the run began. */
export interface CounterDefinition extends Common {
  readonly type: "counter";
  /** What its one label may be: shown as zeros from the start, so that the first increase can be seen. */
  readonly values?: readonly string[];
  readonly log?: string;
}

/** Logged as its last value; one with a label has a key for each of the label's values. */
export interface GaugeDefinition extends Common {
  readonly type: "gauge";
  readonly log?: string | Readonly<Record<string, string>>;
}

/** Logged as mean and maximum since the last record, in the unit times `logScale`. */
export interface HistogramDefinition extends Common {
  readonly type: "histogram";
  readonly buckets: readonly number[];
  readonly log?: string;
  readonly logMax?: string;
  readonly logScale?: number;
}

export type MetricDefinition = CounterDefinition | GaugeDefinition | HistogramDefinition;

/** Metrics that belong together and come from the same process. */
export interface MetricSection {
  readonly title: string;
  /** Undefined: every process has them. */
  readonly from: MetricRole | undefined;
  readonly metrics: Readonly<Record<string, MetricDefinition>>;
}

/** 10 us to 5.2 s: one environment step to one slow update. */
const DURATION = Array.from({ length: 20 }, (_, i) => 1e-5 * 2 ** i);
const MILLISECONDS = 1000;

/** 10 ms to 82 s: checkpoints and evaluations. */
export const LONG_DURATION = Array.from({ length: 14 }, (_, i) => 0.01 * 2 ** i);
/** 1 ms to a minute, with a bound at each limit that people set: over a network, or on a disk. */
export const WIRE_DURATION = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60,
];
/** 1 ms to about an hour: calls, of which some are sessions. */
export const CALL_DURATION = Array.from({ length: 12 }, (_, i) => 0.001 * 4 ** i);
export const VERSIONS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

export function counter<const T extends Omit<CounterDefinition, "type" | "help">>(
  help: string,
  rest?: T,
) {
  return { type: "counter", help, ...rest } as const;
}

export function gauge<const T extends Omit<GaugeDefinition, "type" | "help">>(
  help: string,
  rest?: T,
) {
  return { type: "gauge", help, ...rest } as const;
}

export function histogram<const T extends Omit<HistogramDefinition, "type" | "help">>(
  help: string,
  rest: T,
) {
  return { type: "histogram", help, ...rest } as const;
}

/** Logged in milliseconds. */
export function duration(help: string, log: string) {
  return histogram(help, { buckets: DURATION, log, logScale: MILLISECONDS });
}
