import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

export const RULES = ["recording.yml", "alerts.yml"].map((name) =>
  resolve("deploy/prometheus/rules", name),
);

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** All rules of deploy/prometheus/rules. */
export function readRules(): readonly Rule[] {
  return RULES.flatMap((path) => {
    const file = parse(readFileSync(path, "utf8")) as {
      groups: readonly { rules: readonly Rule[] }[];
    };
    return file.groups.flatMap(({ rules }) => rules);
  });
}

export const records = readRules().flatMap(({ record }) => (record ? [record] : []));
export const alerts = readRules().flatMap(({ alert }) => (alert ? [alert] : []));

/** Seconds between two values of a series, and two evaluations of the rules. */
const STEP_SECONDS = 15;

/**
 * Series in promtool's notation by name and labels: "0+3x40" is 0, 3, 6, ... 120, one each 15 s. A series
 * gets the labels of a learner's target but for those it has.
 */
export type SeriesValues = Readonly<Record<string, string>>;

export interface AlertTest {
  readonly series: SeriesValues;
  /** When to look, such as "15m". */
  readonly at: string;
  /** What fires then; empty: nothing. */
  readonly expected: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly summary: string;
    readonly description: string;
  }[];
}

export interface RecordTest {
  readonly series: SeriesValues;
  readonly at: string;
  /** Values by labels, such as `{run="r"}`. */
  readonly expected: Readonly<Record<string, number>>;
}

/** What promtool has to say against what is expected of an alert; empty: nothing. */
export function testAlert(folder: string, alert: string, tests: readonly AlertTest[]): string {
  const severity = readRules().find((rule) => rule.alert === alert)?.labels?.["severity"];
  return runTests(
    folder,
    tests.map(({ series, at, expected }) => ({
      ...inputOf(series),
      alert_rule_test: [
        {
          eval_time: at,
          alertname: alert,
          exp_alerts: expected.map(({ labels, summary, description }) => ({
            exp_labels: { ...labels, severity },
            exp_annotations: {
              summary,
              description,
              runbook_url: `docs/runbook.md#${alert.toLowerCase()}`,
            },
          })),
        },
      ],
    })),
  );
}

/** The same of a recording rule. */
export function testRecord(folder: string, record: string, test: RecordTest): string {
  const samples = Object.entries(test.expected).map(([labels, value]) => ({
    labels: `${record}${labels}`,
    value,
  }));
  return runTests(folder, [
    {
      ...inputOf(test.series),
      promql_expr_test: [{ expr: record, eval_time: test.at, exp_samples: samples }],
    },
  ]);
}

function inputOf(series: SeriesValues) {
  return {
    interval: `${STEP_SECONDS}s`,
    input_series: Object.entries(series).map(([name, values]) => ({
      series: withTarget(name),
      values,
    })),
  };
}

/** The labels Prometheus gives what it scrapes, where the series does not say otherwise. */
function withTarget(series: string): string {
  const [name = "", labels = ""] = series.replace("}", "").split("{");
  const target = { job: "troupe-learner", instance: "learner:9464", run: "r" };
  const missing = Object.entries(target)
    .filter(([label]) => !new RegExp(`\\b${label}=`).test(labels))
    .map(([label, value]) => `${label}="${value}"`);
  return `${name}{${[...(labels ? [labels] : []), ...missing].join(",")}}`;
}

function runTests(folder: string, tests: readonly object[]): string {
  const path = join(folder, "tests.yml");
  // YAML takes JSON as it is.
  const file = { rule_files: RULES, evaluation_interval: `${STEP_SECONDS}s`, tests };
  writeFileSync(path, JSON.stringify(file));
  const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", path], {
    encoding: "utf8",
  });
  return status === 0 ? "" : `${stdout}${stderr}`;
}
