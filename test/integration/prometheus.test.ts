import { spawnSync } from "node:child_process";
import { expect, type TestContext, test } from "vitest";
import {
  definitionOf,
  type MetricName,
  metricNames,
  roleOf,
} from "../../src/metrics/definitions.ts";
import { everyExpression } from "../deploy/grafana-queries.ts";
import { alerts, records } from "../deploy/prometheus-rules.ts";
import { fillIn, selectorsIn, sourcesOf } from "../deploy/promql.ts";
import { skipBecause } from "../skip-because.ts";
import { TestCluster } from "./cluster-process.ts";
import { PrometheusProcess, poll } from "./prometheus-process.ts";
import { SMALL, scratchFolder, settings, startTrain, type TroupeProcess } from "./train-process.ts";

// Four processes with their threads, on a machine that is busy with others, and some seconds of scrapes.
const TIMEOUT = { timeout: 300_000 };

/** What makes the learner do a bit of everything at once. */
const EVERYTHING = {
  "replay.sampling": "prioritized",
  "evaluation.interval": 300,
  "evaluation.episodes": 2,
  "checkpoint.intervalSteps": 300,
};

/** Of PPO, DrM, mixtures, categorical or robust critics, scaled rewards, scheduled noise: not what is trained here. */
const OF_OTHER_SETTINGS: readonly MetricName[] = [
  ...metricNames.filter((name) => /^troupe_(on_policy|drm|pmoe)_/.test(name)),
  "troupe_train_support_saturation_ratio",
  "troupe_train_support_edge_mass_ratio",
  "troupe_train_logit_max",
  "troupe_train_reward_scale",
  "troupe_train_robust_loss",
  "troupe_train_action_noise_std",
];

/** What a run in one process has no part in. */
const OF_CLUSTERS: readonly MetricName[] = [
  "troupe_grpc_request_duration_seconds",
  "troupe_grpc_requests_total",
  "troupe_window_frames",
  "troupe_credit_frames",
  "troupe_sessions_connected",
  "troupe_outbox_frames",
  "troupe_actor_policy_version",
  "troupe_log_size_bytes",
  "troupe_log_quota_bytes",
  "troupe_log_pending_frames",
  "troupe_log_trouble",
];

/** Counted from zero, and zero for as long as nothing goes wrong, or there is room. */
const ZERO_WHEN_HEALTHY =
  /nonfinite|rollbacks|evicted|stale|duplicate|resen[dt]|reconnects|failures|refused|dropped|errors|restarts/;

const scrape = async (url: string): Promise<string> => await (await fetch(url)).text();

async function metricsUrl(process: TroupeProcess): Promise<string> {
  return String((await process.untilLogged("metrics for Prometheus"))["url"]);
}

/** Names without a sample in Prometheus' text. */
function missing(text: string, names: readonly MetricName[]): readonly MetricName[] {
  return names.filter((name) => {
    const sample = definitionOf(name).type === "histogram" ? `${name}_count` : name;
    return !new RegExp(`^${sample}(\\{.*\\})? `, "m").test(text);
  });
}

/** Counters and histograms that have not counted anything. */
function idle(text: string, names: readonly MetricName[]): readonly MetricName[] {
  return names.filter((name) => {
    const { type } = definitionOf(name);
    if (type === "gauge" || ZERO_WHEN_HEALTHY.test(name)) return false;
    const sample = type === "histogram" ? `${name}_count` : name;
    const values = [...text.matchAll(new RegExp(`^${sample}(?:\\{.*\\})? (.*)$`, "gm"))];
    return !values.some(([, value]) => Number(value) > 0);
  });
}

function complaints(text: string, context: TestContext): string {
  if (spawnSync("promtool", ["--version"]).error) skipBecause("there is no promtool", context);
  const check = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  return check.stderr + check.stdout + (check.status === 0 ? "" : `status ${check.status}`);
}

test("a run in one process exports what it measures, in good form", TIMEOUT, async (context) => {
  const more = settings({ ...EVERYTHING, "actors.count": 2 });
  const argv = ["PointMass-v0", "--name", "run", "-n", "1000000", ...SMALL, ...more];
  const run = startTrain(context, scratchFolder(context), { argv });
  const url = await metricsUrl(run);
  const names = metricNames.filter(
    (name) => !OF_OTHER_SETTINGS.includes(name) && !OF_CLUSTERS.includes(name),
  );
  await run.until("an evaluation", () => run.log.some(({ msg }) => msg === "evaluation"));
  await expect
    .poll(async () => missing(await scrape(url), names), { timeout: 90_000, interval: 100 })
    .toEqual([]);
  expect(complaints(await scrape(url), context)).toBe("");
  run.kill("SIGINT");
  expect((await run.ended()).code).toBe(130);
});

test("every query of the dashboard and the rules works on a cluster", TIMEOUT, async (context) => {
  if (spawnSync("prometheus", ["--version"]).error) skipBecause("there is no prometheus", context);
  const cluster = await TestCluster.open(context);
  const learner = cluster.learner({ ...EVERYTHING, totalSteps: 10_000_000 });
  const hosts = ["a", "b"].map((name) => cluster.actor(name, "--workers", "1"));
  const urls = await Promise.all([learner, ...hosts].map(metricsUrl));
  const [learners = [], ...actors] = urls.map((url) => [new URL(url).host]);
  const targets = { learners, actors: actors.flat() };
  const prometheus = await PrometheusProcess.start(context, "test", targets);

  // What both kinds of process export.
  const known = metricNames.filter((name) => !OF_OTHER_SETTINGS.includes(name));
  const [ofLearner = "", ofHost = ""] = urls;
  const expected = [
    [ofLearner, known.filter((name) => roleOf(name) !== "actors")],
    [ofHost, known.filter((name) => roleOf(name) !== "learner")],
  ] as const;
  for (const [url, names] of expected) {
    const look = async () => {
      const text = await scrape(url);
      return { missing: missing(text, names), idle: idle(text, names) };
    };
    await expect.poll(look, { timeout: 90_000, interval: 200 }).toEqual({ missing: [], idle: [] });
    expect(complaints(await scrape(url), context)).toBe("");
  }

  // What the dashboard and the rules ask.
  const unanswered = async (): Promise<readonly string[]> => {
    const failed: string[] = [];
    for (const { where, expr } of everyExpression()) {
      const filled = fillIn(expr, "test");
      const isOther = sourcesOf(filled).some((name) => OF_OTHER_SETTINGS.some((o) => o === name));
      const answer = await prometheus.query(filled);
      const isEmpty = answer.every(({ value }) => Number.isNaN(value));
      // An alert is empty when all is well; what it reads must be there nevertheless.
      const quiet = /^(alert|annotation) | > \d+$/.test(where);
      if (isEmpty && !isOther && !quiet) failed.push(where);
      for (const { metric } of selectorsIn(filled)) {
        const own = metric === "ALERTS";
        if (isOther || own || (await prometheus.query(metric)).length > 0) continue;
        failed.push(`${where}: ${metric}`);
      }
    }
    return failed;
  };
  await expect.poll(unanswered, { timeout: 90_000, interval: 1_000 }).toEqual([]);

  expect(await prometheus.labelValues("run", "troupe_build_info")).toEqual(["test"]);
  const instances = await prometheus.labelValues("instance", 'troupe_build_info{run="test"}');
  expect([...instances].sort()).toEqual([...targets.learners, ...targets.actors].sort());

  // Every rule is evaluated, and a healthy cluster fires no alert.
  const rules = await prometheus.rules();
  expect(rules.map(({ name }) => name).sort()).toEqual([...records, ...alerts].sort());
  expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
  expect(rules.filter(({ state }) => state === "firing")).toEqual([]);

  // It goes on.
  const steps = async () => (await prometheus.query("sum(troupe_env_steps_total)"))[0]?.value;
  const first = await poll(steps);
  await poll(async () => (((await steps()) ?? 0) > first ? true : undefined));

  // And an alert tells that a host is gone.
  hosts[0]?.kill("SIGKILL");
  await poll(async () => {
    const [down] = await prometheus.query('ALERTS{alertname="TroupeTargetDown"}');
    return down?.metric["instance"] === targets.actors[0] ? true : undefined;
  });
});
