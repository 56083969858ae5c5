import { definitionOf, type Labels, metricNames } from "../../src/metrics/definitions.ts";
import type { MetricsRecorder } from "../../src/metrics/recorder.ts";

/** Gives every metric a value, and every label one. */
export function fillEveryMetric(recorder: MetricsRecorder): void {
  for (const name of metricNames) {
    const { type, labels = [] } = definitionOf(name);
    const values: Labels = Object.fromEntries(labels.map((label) => [label, "actor"]));
    if (type === "counter") recorder.inc(name as "troupe_env_steps_total", 2, values);
    if (type === "gauge") recorder.set(name as "troupe_train_q_mean", 1.5, values);
    if (type === "histogram") recorder.observe(name as "troupe_policy_lag_versions", 3, values);
  }
}
