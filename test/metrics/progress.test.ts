import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasColour, openLog } from "../../src/metrics/log.ts";
import type { LogRecord } from "../../src/metrics/log-record.ts";
import {
  canRedraw,
  compact,
  duration,
  openProgress,
  type ProgressReport,
  progressLine,
  progressPanel,
  sparkline,
} from "../../src/metrics/progress.ts";
import { MetricsRegistry } from "../../src/metrics/registry.ts";
import { RunLog } from "../../src/metrics/run-log.ts";

const context = { run: "r", env: "HalfCheetah-v5", algorithm: "sac", totalSteps: 1_000_000 };

const report: ProgressReport = {
  record: {
    step: 128_000,
    time: new Date(2026, 0, 1, 12, 30, 5).getTime() / 1000,
    values: new Map([
      ["time/fps", 151.4],
      ["train/n_updates", 62_000],
      ["rollout/ep_rew_mean", 1843.2],
      ["rollout/ep_rew_std", 212],
      ["rollout/ep_len_mean", 612],
      ["policy/lag_mean", 1.2],
      ["replay/size", 128_000],
    ]),
  },
  returns: [1, 2, 3],
  actorsAlive: 1,
  actorsExpected: 2,
  note: "the learner waits for replay",
};

/** What is written to a stream that is or is not a terminal. */
function capture(isTTY: boolean) {
  const text: string[] = [];
  const stream = { isTTY, columns: 100, rows: 30, write: (chunk: string) => text.push(chunk) > 0 };
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text.join("") };
}

describe("progress", () => {
  test("is one line with an ETA where nothing can be redrawn", () => {
    expect(progressLine(context, report)).toBe(
      "12:30:05 learner step=128k/1M 12.8% fps=151 upd=62k ret=1843±212 len=612 lag=1.2 buf=128k eta=1h36m",
    );
    const { stream, text } = capture(false);
    using progress = openProgress(context, stream);
    progress.update(report);
    expect(text()).toBe(`${progressLine(context, report)}\n`);
  });

  test("says nothing false before anything is known", () => {
    const record: LogRecord = { step: 0, time: 0, values: new Map() };
    expect(progressLine(context, { ...report, record })).toContain(
      "step=0/1M 0.0% fps=- upd=- ret=- len=- lag=- buf=- eta=?",
    );
  });

  test("is a panel of a few lines on a terminal, and lets log lines pass above it", () => {
    const panel = progressPanel(context, report);
    expect(panel).toContain("▁▅█");
    expect(panel).toContain("the learner waits for replay");
    expect(panel.split("\n").length).toBeLessThanOrEqual(8);
    const { stream, text } = capture(true);
    const progress = openProgress(context, stream, canRedraw(stream, {}) ? "auto" : "none");
    progress.print("a line\n");
    expect(text()).toContain("a line\n");
    progress[Symbol.dispose]();
  });

  test("redraws only on terminals that can, outside of CI", () => {
    expect(canRedraw({ isTTY: true }, {})).toBe(true);
    expect(canRedraw({ isTTY: true }, { CI: "true" })).toBe(false);
    expect(canRedraw({ isTTY: true }, { TERM: "dumb" })).toBe(false);
    expect(canRedraw({}, {})).toBe(false);
  });

  test.each([
    [0, "0"],
    [0.012345, "0.0123"],
    [1.2, "1.2"],
    [612, "612"],
    [1843.2, "1843"],
    [9999, "9999"],
    [128_000, "128k"],
    [999_600, "1M"],
    [1_250_000, "1.25M"],
    [-15_000, "-15k"],
    [Number.NaN, "-"],
  ])("writes %d as %s", (value, text) => {
    expect(compact(value)).toBe(text);
  });

  test.each([
    [12, "12s"],
    [303, "5m03s"],
    [5760, "1h36m"],
    [100_000, "1d03h"],
    [undefined, "?"],
  ])("writes %d seconds as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test("draws a sparkline from least to greatest", () => {
    expect(sparkline([0, 7, Number.NaN, 3.5])).toBe("▁█ ▅");
    expect(sparkline([2, 2])).toBe("▄▄");
    expect(sparkline([])).toBe("");
  });
});

describe("openLog", () => {
  test("writes JSON for machines, text for people, and JSON to the run's file", () => {
    const file = join(mkdtempSync(join(tmpdir(), "log-")), "log.jsonl");
    const machine = capture(false);
    const log = openLog({ format: "auto", level: "info", stream: machine.stream, file });
    log.info({ actor: 1 }, "hello");
    log.debug("details");
    expect(JSON.parse(machine.text())).toMatchObject({ level: 30, actor: 1, msg: "hello" });
    const messages = readFileSync(file, "utf8").trim().split("\n");
    expect(messages.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      "hello",
      "details",
    ]);
    const person = capture(false);
    openLog({ format: "pretty", level: "info", stream: person.stream }).warn("careful");
    expect(person.text()).toMatch(/^\[\d\d:\d\d:\d\d\] WARN: careful\n$/);
  });

  test("obeys NO_COLOR and FORCE_COLOR", () => {
    const { stream } = capture(true);
    expect(hasColour(stream, {})).toBe(true);
    expect(hasColour(stream, { NO_COLOR: "1" })).toBe(false);
    expect(hasColour(capture(false).stream, { FORCE_COLOR: "1" })).toBe(true);
    expect(hasColour(stream, { TERM: "dumb" })).toBe(false);
  });
});

describe("RunLog", () => {
  test("turns counters and episodes into rates and statistics", () => {
    let now = 1000;
    const registry = new MetricsRegistry();
    const written: LogRecord[] = [];
    const log = new RunLog({
      registry,
      sink: { write: (record) => written.push(record), [Symbol.dispose]() {} },
      actors: () => 2,
      now: () => now,
      wallTime: () => 5000,
      before: { envSteps: 500, updates: 100, episodes: 3 },
    });
    registry.recorder.inc("troupe_env_steps_total", 40);
    registry.recorder.inc("troupe_learner_updates_total", 20);
    for (let i = 0; i < 150; i++) log.episode({ return: i, length: 10, outcome: "truncated" });
    log.evaluation({ step: 500, returns: [10, 20], lengths: [5, 7] });
    log.evaluation({ step: 540, returns: [5, 5], lengths: [5, 7] });
    now += 2000;
    const { step, time, values } = log.record();
    expect([step, time]).toEqual([540, 5]);
    expect(Object.fromEntries(values)).toMatchObject({
      "time/time_elapsed": 2,
      "time/fps": 20,
      "time/sps_actor": 10,
      "time/sps_learner": 10,
      "time/replay_ratio": 0.5,
      "time/total_timesteps": 540,
      "time/episodes": 153,
      "train/n_updates": 120,
      "rollout/ep_rew_mean": 99.5,
      "rollout/ep_rew_min": 50,
      "rollout/ep_len_mean": 10,
      "eval/mean_reward": 5,
      "eval/best_mean_reward": 15,
    });
    expect(log.returns).toHaveLength(100);
    expect(written).toHaveLength(1);
  });
});
