import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { logKeys, metricDefinitions } from "../../src/metrics/definitions.ts";
import { MetricsRecorder } from "../../src/metrics/recorder.ts";
import { MetricsRegistry } from "../../src/metrics/registry.ts";

/** The value of a sample line of Prometheus' text. */
function sample(text: string, series: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length));
}

const BLOCKED = { side: "actor", reason: "mailbox_full" };

describe("MetricsRecorder and MetricsRegistry", () => {
  test("add up counters of several threads by label, and survive a structured clone", async () => {
    const threads = [new MetricsRecorder(), new MetricsRecorder()];
    const registry = new MetricsRegistry();
    for (let round = 0; round < 3; round++) {
      for (const thread of threads) {
        thread.inc("troupe_env_steps_total", 5);
        thread.inc("troupe_blocked_seconds_total", 0.5, BLOCKED);
        thread.inc("troupe_blocked_seconds_total", 1, {
          reason: "replay_starved",
          side: "learner",
        });
        registry.apply(structuredClone(thread.drain()));
      }
    }
    const text = await registry.text();
    expect(sample(text, "troupe_env_steps_total")).toBe(30);
    expect(sample(text, 'troupe_blocked_seconds_total{side="actor",reason="mailbox_full"}')).toBe(
      3,
    );
    expect(registry.value("troupe_blocked_seconds_total")).toBe(9);
    expect(threads[0]?.drain()).toEqual([]);
  });

  test("keep a gauge's last value, NaN included", async () => {
    const registry = new MetricsRegistry();
    expect(registry.value("troupe_train_q_mean")).toBeNaN();
    registry.recorder.set("troupe_replay_size_transitions", 7);
    registry.recorder.set("troupe_replay_size_transitions", 3);
    registry.recorder.setLogged("train/critic_loss", Number.NaN);
    const text = await registry.text();
    expect(sample(text, "troupe_replay_size_transitions")).toBe(3);
    expect(text).toContain('troupe_train_loss{name="critic"} Nan\n');
    expect(text).not.toContain("\ntroupe_train_q_mean ");
  });

  test("count every observation in the same bucket as a count over all of them", async () => {
    const bounds = metricDefinitions.troupe_policy_lag_versions.buckets;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3000 })), async (ages) => {
        const recorder = new MetricsRecorder();
        const registry = new MetricsRegistry();
        for (const [i, age] of ages.entries()) {
          recorder.observe("troupe_policy_lag_versions", age);
          if (i % 3 === 0) registry.apply(recorder.drain());
        }
        registry.apply(recorder.drain());
        const text = await registry.text();
        const name = "troupe_policy_lag_versions";
        for (const bound of bounds) {
          const below = ages.filter((age) => age <= bound).length;
          expect(sample(text, `${name}_bucket{le="${bound}"}`)).toBe(below);
        }
        expect(sample(text, `${name}_bucket{le="+Inf"}`)).toBe(ages.length);
        expect(sample(text, `${name}_sum`)).toBe(ages.reduce((sum, age) => sum + age, 0));
        expect(sample(text, `${name}_count`)).toBe(ages.length);
      }),
      { numRuns: 20 },
    );
  });

  test("log mean and maximum of a histogram since the last time, in the log's unit", () => {
    const registry = new MetricsRegistry();
    for (const age of [2, 4]) registry.recorder.observe("troupe_policy_lag_versions", age);
    registry.recorder.observe("troupe_env_step_duration_seconds", 0.002);
    const first = registry.takeLogValues();
    expect(first.get("policy/lag_mean")).toBe(3);
    expect(first.get("policy/lag_max")).toBe(4);
    expect(first.get("perf/env_ms")).toBeCloseTo(2, 12);
    registry.recorder.observe("troupe_policy_lag_versions", 1);
    const second = registry.takeLogValues();
    expect(second.get("policy/lag_mean")).toBe(1);
    expect(second.get("policy/lag_max")).toBe(1);
    expect(second.has("perf/env_ms")).toBe(false);
  });

  test("refuse undeclared labels and counters that go down, and leave out what is not finite", () => {
    const recorder = new MetricsRecorder();
    expect(() => recorder.inc("troupe_episodes_total")).toThrow(RangeError);
    expect(() => recorder.inc("troupe_env_steps_total", 1, { role: "x" })).toThrow(RangeError);
    expect(() => recorder.inc("troupe_env_steps_total", -1)).toThrow(RangeError);
    expect(() => recorder.setLogged("time/fps", 1)).toThrow(RangeError);
    recorder.inc("troupe_env_steps_total", Number.NaN);
    recorder.observe("troupe_policy_lag_versions", Number.NaN);
    const registry = new MetricsRegistry();
    registry.apply(recorder.drain());
    expect(registry.value("troupe_env_steps_total")).toBe(0);
    expect(registry.value("troupe_policy_lag_versions")).toBe(0);
  });

  test("show zeros only for what the process takes part in", async () => {
    const host = await new MetricsRegistry(["actors"]).text();
    expect(sample(host, "troupe_session_reconnects_total")).toBe(0);
    expect(host).not.toContain("troupe_learner_updates_total");
    const learner = await new MetricsRegistry(["learner"]).text();
    expect(sample(learner, "troupe_learner_updates_total")).toBe(0);
    expect(learner).not.toContain("troupe_session_reconnects_total");
    const both = await new MetricsRegistry().text();
    expect(sample(both, "troupe_learner_updates_total")).toBe(0);
    expect(sample(both, "troupe_session_reconnects_total")).toBe(0);
  });

  test("show a counter's known label values as zeros before they first happen", async () => {
    const registry = new MetricsRegistry(["learner"]);
    registry.recorder.inc("troupe_session_refused_total", 3, { reason: "fenced" });
    registry.recorder.inc("troupe_session_refused_total", 1, { reason: "unheard-of" });
    const text = await registry.text();
    const lines = text
      .split("\n")
      .filter((line) => line.startsWith("troupe_session_refused_total{"));
    const reasons = metricDefinitions.troupe_session_refused_total.values ?? [];
    expect(lines.length).toBe(reasons.length + 1);
    expect(reasons.length).toBeGreaterThan(5);
    expect(sample(text, 'troupe_session_refused_total{reason="fenced"}')).toBe(3);
    expect(sample(text, 'troupe_session_refused_total{reason="silent"}')).toBe(0);
    expect(sample(text, 'troupe_session_refused_total{reason="unheard-of"}')).toBe(1);
    expect(registry.value("troupe_session_refused_total")).toBe(4);
  });

  test("log what was counted before a resume, and do not show it to Prometheus", async () => {
    const registry = new MetricsRegistry(["learner"]);
    const thread = new MetricsRecorder();
    thread.goOn("troupe_env_steps_total", 1000);
    registry.recorder.goOn("troupe_episodes_total", 7, { outcome: "earlier" });
    registry.apply(structuredClone(thread.drain()));
    expect(sample(await registry.text(), "troupe_env_steps_total")).toBe(0);
    thread.inc("troupe_env_steps_total", 5);
    registry.recorder.inc("troupe_episodes_total", 1, { outcome: "truncated" });
    registry.apply(structuredClone(thread.drain()));
    const text = await registry.text();
    expect(sample(text, "troupe_env_steps_total")).toBe(5);
    expect(text).not.toContain("earlier");
    expect(registry.value("troupe_env_steps_total")).toBe(1005);
    expect(registry.takeLogValues().get("time/total_timesteps")).toBe(1005);
    expect(registry.takeLogValues().get("time/episodes")).toBe(8);
  });

  test("take label values nobody foresaw, and bound how many", async () => {
    const registry = new MetricsRegistry();
    const thread = new MetricsRecorder();
    for (let i = 0; i < 1000; i++) {
      const method = `/odd.Service/"M${i}"\n`;
      thread.inc("troupe_grpc_requests_total", 1, { method, code: "UNIMPLEMENTED" });
      thread.observe("troupe_grpc_request_duration_seconds", 0.01, { method });
      if (i % 7 === 0) registry.apply(structuredClone(thread.drain()));
    }
    registry.apply(thread.drain());
    const text = await registry.text();
    const series = text.match(/^troupe_grpc_requests_total\{/gm) ?? [];
    expect(series.length).toBeLessThanOrEqual(101);
    expect(registry.value("troupe_grpc_requests_total")).toBe(1000);
    expect(text).toContain('troupe_grpc_request_duration_seconds_count{method="other"}');
  });

  test("have a log key for one metric alone", () => {
    expect(new Set(logKeys).size).toBe(logKeys.length);
  });
});
