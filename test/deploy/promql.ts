import { parser } from "@prometheus-io/lezer-promql";
import {
  definitionOf,
  type MetricDefinition,
  type MetricName,
  metricNames,
} from "../../src/metrics/definitions.ts";
import { MetricsRegistry } from "../../src/metrics/registry.ts";
import { readRules } from "./prometheus-rules.ts";

/** Something an expression reads. */
export interface Selector {
  readonly metric: string;
  /** Labels it is chosen by. */
  readonly labels: readonly string[];
}

/** Where an expression cannot be parsed; empty: nowhere. */
export function syntaxErrors(expr: string): readonly string[] {
  const errors: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ type, from }) => {
      if (type.isError) errors.push(`at ${from}: ${expr.slice(from)}`);
    },
  });
  return errors;
}

/** Every selector of an expression. */
export function selectorsIn(expr: string): readonly Selector[] {
  const selectors: { metric: string; labels: string[] }[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, from, to, node }) => {
      const text = expr.slice(from, to);
      if (name === "VectorSelector") selectors.push({ metric: "", labels: [] });
      const last = selectors.at(-1);
      if (name === "Identifier" && last) last.metric = text;
      const isMatcher = node.parent?.name === "UnquotedLabelMatcher";
      if (name === "LabelName" && isMatcher) last?.labels.push(text);
    },
  });
  return selectors;
}

/** What Prometheus adds to what it scrapes, as deploy/prometheus/prometheus.yml has it. */
const TARGET_LABELS = ["job", "instance", "run"];

/** Series by name with the labels they have: of our metrics, of Node's, of recording rules, of Prometheus. */
export async function knownSeries(): Promise<ReadonlyMap<string, readonly string[]>> {
  const ours = metricNames.flatMap((name) => seriesOf(name, definitionOf(name)));
  const text = await new MetricsRegistry().text();
  const nodes = [...text.matchAll(/^((?:nodejs|process)_\w+)(?:\{(.*)\})? /gm)].map(
    ([, name = "", labels = ""]) =>
      [name, [...labels.matchAll(/(\w+)="/g)].map(([, label = ""]) => label)] as const,
  );
  const recorded = readRules().flatMap(({ record }) =>
    record ? [[record, record.split(":")[0]?.split("_") ?? []] as const] : [],
  );
  const own = [
    // There after the first collection.
    ["nodejs_gc_duration_seconds_sum", ["kind"]],
    ["up", []],
    ["ALERTS", ["alertname", "alertstate"]],
  ] as const;
  return new Map(
    [...ours, ...nodes, ...recorded, ...own].map(([name, labels]) => [
      name,
      [...labels, ...TARGET_LABELS],
    ]),
  );
}

function seriesOf(
  name: MetricName,
  { type, labels = [] }: MetricDefinition,
): (readonly [string, readonly string[]])[] {
  if (type !== "histogram") return [[name, labels]];
  return [
    [`${name}_bucket`, [...labels, "le"]],
    [`${name}_sum`, labels],
    [`${name}_count`, labels],
  ];
}

const recordedBy = new Map(
  readRules().flatMap(({ record, expr }) => (record ? [[record, expr] as const] : [])),
);

/** The scraped metrics an expression comes from, through recording rules. */
export function sourcesOf(expr: string): readonly string[] {
  return selectorsIn(expr).flatMap(({ metric }) => {
    const rule = recordedBy.get(metric);
    return rule === undefined ? [metric.replace(/_(bucket|sum|count)$/, "")] : sourcesOf(rule);
  });
}

/** What Grafana puts in for its variables. */
export function fillIn(expr: string, run: string): string {
  return expr
    .replaceAll("$__rate_interval", "1m")
    .replaceAll("$instance", ".*")
    .replaceAll("$run", run);
}
