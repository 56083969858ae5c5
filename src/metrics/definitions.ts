/**
 * Every metric, declared once: Prometheus name, type, help, labels, and its key in logs.
 *
 * Names follow Prometheus (base units, `_total` on counters); log keys are Stable-Baselines3's where it
 * has one. No label takes more than about ten values, and none names an actor: Prometheus adds the
 * instance it scraped.
 */

import type { MetricDefinition, MetricRole, MetricSection } from "./declare.ts";
import { acting, experience } from "./sections/acting.ts";
import { delivery, gateway, log, uplink } from "./sections/delivery.ts";
import { drm } from "./sections/drm.ts";
import { keeping, learning } from "./sections/learning.ts";
import { mixture } from "./sections/mixture.ts";
import { onPolicy } from "./sections/on-policy.ts";
import { replay } from "./sections/replay.ts";
import { everyProcess, run } from "./sections/run.ts";

export type { HistogramDefinition, MetricDefinition, MetricRole } from "./declare.ts";

export type Labels = Readonly<Record<string, string>>;

/** In the order of docs and logs. */
export const metricSections: readonly MetricSection[] = [
  everyProcess,
  run,
  experience,
  acting,
  delivery,
  gateway,
  uplink,
  log,
  replay,
  learning,
  onPolicy,
  mixture,
  drm,
  keeping,
];

export const metricDefinitions = {
  ...everyProcess.metrics,
  ...run.metrics,
  ...experience.metrics,
  ...acting.metrics,
  ...delivery.metrics,
  ...gateway.metrics,
  ...uplink.metrics,
  ...log.metrics,
  ...replay.metrics,
  ...learning.metrics,
  ...onPolicy.metrics,
  ...mixture.metrics,
  ...drm.metrics,
  ...keeping.metrics,
} satisfies Readonly<Record<string, MetricDefinition>>;

type Definitions = typeof metricDefinitions;
type NamesOf<Type extends MetricDefinition["type"]> = {
  [Name in keyof Definitions]: Definitions[Name]["type"] extends Type ? Name : never;
}[keyof Definitions];

export type MetricName = keyof Definitions;
export type CounterName = NamesOf<"counter">;
export type GaugeName = NamesOf<"gauge">;
export type HistogramName = NamesOf<"histogram">;

/** Log keys that are worked out from the metrics when a record is written. */
export const derivedLogKeys = {
  "time/time_elapsed": "Seconds since this process began to train.",
  "time/fps": "Environment steps per second since the last record.",
  "time/sps_actor": "Environment steps per second of one actor.",
  "time/sps_learner": "Updates per second since the last record.",
  "time/replay_ratio": "Updates per environment step since the last record.",
} as const;

/** A metric, seen as the definition any of them has. */
export function definitionOf(name: MetricName): MetricDefinition {
  return metricDefinitions[name];
}

/** The process that has a metric; undefined: every one. */
export function roleOf(name: MetricName): MetricRole | undefined {
  return roles.get(name);
}

const roles = new Map(
  metricSections.flatMap(({ from, metrics }) => Object.keys(metrics).map((name) => [name, from])),
);

export const metricNames = Object.keys(metricDefinitions) as readonly MetricName[];

/** Every key a log record may have, in the order of the columns of progress.csv. */
export const logKeys: readonly string[] = [
  ...Object.keys(derivedLogKeys),
  ...metricNames.flatMap((name) => keysOf(definitionOf(name))),
];

function keysOf(definition: MetricDefinition): readonly string[] {
  const { log } = definition;
  if (log === undefined) return [];
  if (typeof log !== "string") return Object.values(log);
  if (definition.type !== "histogram" || definition.logMax === undefined) return [log];
  return [log, definition.logMax];
}

/** The gauge a log key belongs to, such as `train/critic_loss`; undefined for keys of other types. */
export function gaugeOfLogKey(key: string): { name: GaugeName; labels: Labels } | undefined {
  return gaugesByKey.get(key);
}

const gaugesByKey = new Map(
  metricNames.flatMap((name): [string, { name: GaugeName; labels: Labels }][] => {
    const definition = definitionOf(name);
    if (definition.type !== "gauge" || definition.log === undefined) return [];
    const gauge = name as GaugeName;
    if (typeof definition.log === "string") return [[definition.log, { name: gauge, labels: {} }]];
    const label = definition.labels?.[0] ?? "name";
    return Object.entries(definition.log).map(([value, key]) => [
      key,
      { name: gauge, labels: { [label]: value } },
    ]);
  }),
);
