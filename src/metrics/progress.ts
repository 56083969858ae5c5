import { createLogUpdate } from "log-update";
import pc from "picocolors";
import type { LogRecord } from "./log-record.ts";

/** What progress is shown of. */
export interface ProgressContext {
  readonly run: string;
  readonly env: string;
  readonly algorithm: string;
  readonly totalSteps: number;
}

/** One moment of a run. */
export interface ProgressReport {
  readonly record: LogRecord;
  /** Returns of the last episodes, oldest first. */
  readonly returns: readonly number[];
  readonly actorsAlive: number;
  /** 0: unknown. */
  readonly actorsExpected: number;
  /** Who waits for whom, in one line. */
  readonly note?: string;
}

export interface Progress extends Disposable {
  update(report: ProgressReport): void;
  /** Writes other text, such as log lines, without spoiling what is drawn. */
  print(text: string): void;
}

/**
 * A panel that is redrawn in place on a terminal, one plain line per report anywhere else; nothing when
 * `wanted` is "none".
 */
export function openProgress(
  context: ProgressContext,
  stream: NodeJS.WriteStream,
  wanted: "auto" | "lines" | "none" = "auto",
): Progress {
  const print = (text: string): void => void stream.write(text);
  if (wanted === "none") return { update() {}, print, [Symbol.dispose]() {} };
  if (wanted === "auto" && canRedraw(stream)) return new Panel(context, stream);
  return {
    update: (report) => print(`${progressLine(context, report)}\n`),
    print,
    [Symbol.dispose]() {},
  };
}

class Panel implements Progress {
  readonly #context: ProgressContext;
  readonly #stream: NodeJS.WriteStream;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  #shown = "";

  constructor(context: ProgressContext, stream: NodeJS.WriteStream) {
    this.#context = context;
    this.#stream = stream;
    this.#draw = createLogUpdate(stream, { showCursor: true });
  }

  update(report: ProgressReport): void {
    this.#shown = progressPanel(this.#context, report);
    this.#draw(this.#shown);
  }

  /** The text goes above the panel. */
  print(text: string): void {
    this.#draw.clear();
    this.#stream.write(text);
    if (this.#shown !== "") this.#draw(this.#shown);
  }

  [Symbol.dispose](): void {
    this.#draw.done();
  }
}

/** log-update writes escape codes into pipes, too, so this is asked first. */
export function canRedraw(
  stream: { readonly isTTY?: boolean },
  environment: NodeJS.ProcessEnv = process.env,
): boolean {
  return stream.isTTY === true && !environment["CI"] && environment["TERM"] !== "dumb";
}

/** `12:30:05 learner step=128k/1M 12.8% fps=9.1k upd=62k ret=1843±212 len=612 lag=1.2 buf=128k eta=1h36m`. */
export function progressLine({ totalSteps }: ProgressContext, { record }: ProgressReport): string {
  const { step, time, values } = record;
  const clock = new Date(time * 1000).toTimeString().slice(0, 8);
  const value = (key: string): string => compact(values.get(key));
  const spread = values.get("rollout/ep_rew_std");
  const returns =
    value("rollout/ep_rew_mean") + (spread === undefined ? "" : `±${compact(spread)}`);
  const words = [
    `step=${compact(step)}/${compact(totalSteps)} ${percent(step / totalSteps)}`,
    `fps=${value("time/fps")}`,
    `upd=${value("train/n_updates")}`,
    `ret=${returns}`,
    `len=${value("rollout/ep_len_mean")}`,
    `lag=${value("policy/lag_mean")}`,
    `buf=${value("replay/size")}`,
    `eta=${duration(secondsLeft(totalSteps, record))}`,
  ];
  return `${clock} learner ${words.join(" ")}`;
}

export function progressPanel(context: ProgressContext, report: ProgressReport): string {
  const { record, returns, actorsAlive, actorsExpected, note } = report;
  const { step, values } = record;
  const value = (key: string): string => compact(values.get(key));
  const share = Math.min(1, step / context.totalSteps);
  const bar = "█".repeat(Math.round(share * 30)).padEnd(30, "░");
  const actors = actorsExpected > 0 ? `${actorsAlive}/${actorsExpected}` : `${actorsAlive}`;
  const rows = [
    `${pc.bold(context.run)}  ${context.env}  ${context.algorithm}`,
    `${pc.green(bar)} ${percent(share)}  ${compact(step)}/${compact(context.totalSteps)}  eta ${duration(secondsLeft(context.totalSteps, record))}`,
    `speed    ${value("time/fps")} steps/s  ${value("time/sps_learner")} updates/s  ${phases(values)}`,
    `actors   ${actorsAlive < actorsExpected ? pc.red(actors) : actors}  policy age ${value("policy/lag_mean")}  replay ${value("replay/size")}`,
    `training ${value("rollout/ep_rew_mean")} ± ${value("rollout/ep_rew_std")}  length ${value("rollout/ep_len_mean")}  ${pc.cyan(sparkline(returns.slice(-40)))}`,
    `test     ${value("eval/mean_reward")} ± ${value("eval/std_reward")}  best ${value("eval/best_mean_reward")}`,
  ];
  return (note ? [...rows, pc.dim(note)] : rows).join("\n");
}

/** Where a learner's second goes, from mean durations and their number per second. */
function phases(values: LogRecord["values"]): string {
  const perSecond = values.get("time/sps_learner") ?? 0;
  const share = (key: string): string => percent(((values.get(key) ?? 0) * perSecond) / 1000);
  return `update ${share("perf/update_ms")} sample ${share("perf/sample_ms")}`;
}

const BLOCKS = "▁▂▃▄▅▆▇█";

/** One block character per value, from the least to the greatest of them. */
export function sparkline(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  const least = Math.min(...finite);
  const range = Math.max(...finite) - least;
  return values
    .map((value) => {
      if (!Number.isFinite(value)) return " ";
      const level = range > 0 ? Math.round(((value - least) / range) * (BLOCKS.length - 1)) : 3;
      return BLOCKS[level] ?? " ";
    })
    .join("");
}

/** Seconds to the end at the speed since the last record; undefined when it stands still. */
function secondsLeft(totalSteps: number, { step, values }: LogRecord): number | undefined {
  const speed = values.get("time/fps") ?? 0;
  return speed > 0 ? Math.max(0, totalSteps - step) / speed : undefined;
}

/** 1h36m, 5m03s, 12s; ? when unknown. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return "?";
  const whole = Math.round(seconds);
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24];
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  if (days > 0) return `${days}d${two(hours)}h`;
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(rest)}s` : `${rest}s`;
}

/** Three or four digits: 612, 1843, 9.1k, 128k, 1M, 0.0123; - when there is none. */
export function compact(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "-";
  const size = Math.abs(value);
  if (size >= 999_500) return `${trim(value / 1e6)}M`;
  if (size >= 9_999.5) return `${Math.round(value / 1000)}k`;
  return size >= 100 ? String(Math.round(value)) : trim(value);
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
