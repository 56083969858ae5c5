/**
 * Question: does acting cost training any speed? Where does the time go?
 *
 * A real `troupe train HalfCheetah-v5` with one actor, at one update per environment step, beside the
 * learner's own benchmark on the same machine. They take turns: the run's process is stopped by a signal
 * while the benchmark has the machine. Rates and times are the run's own metrics, from 1.5 s after each
 * continuation on, when what waited through the stop has been counted.
 *
 *     npm run build && npx tsc -p bench
 *     taskset -c 0,1 node bench/dist/bench/end-to-end.js [rounds=9] [seconds=8]
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { median, repository, round } from "./results.ts";
import { type Scrape, TrainProcess } from "./train-process.ts";

const CONFIG = ["--actors", "1", "--set", "learner.threads=1"];
const STEPS = "troupe_env_steps_total";
const UPDATES = "troupe_learner_updates_total";
const SETTLE_MS = 1500;

/** Updates per second of the learner alone. */
function learnerAlone(seconds: number): number {
  // About 100 updates a second: enough of them to take a part of the window.
  const updates = String(Math.max(50, 30 * seconds));
  const argv = [join(repository, "dist", "cli.js"), "bench", "learner", "--json"];
  const output = execFileSync(process.execPath, [...argv, "--updates", updates], {
    encoding: "utf8",
  });
  return (JSON.parse(output) as { updates_per_second: number }).updates_per_second;
}

/** What a window of the run was spent on. */
interface Window {
  readonly seconds: number;
  readonly steps: number;
  readonly updates: number;
  /** Shares of the window's time, by side and occupation. */
  readonly shares: Readonly<Record<string, number>>;
}

async function measureWindow(run: TrainProcess, seconds: number): Promise<Window> {
  const from = await run.scrapeAtChange(UPDATES);
  await sleep(1000 * seconds);
  return windowBetween(from, await run.scrapeAtChange(UPDATES));
}

function windowBetween(from: Scrape, to: Scrape): Window {
  const seconds = (to.time - from.time) / 1000;
  const delta = (name: string) => (to.samples.get(name) ?? 0) - (from.samples.get(name) ?? 0);
  const steps = delta(STEPS);
  const share = (histogram: string): number => delta(`${histogram}_seconds_sum`) / seconds;
  // Actors observe the mean step of each unroll; the mean of those times the steps is their time.
  const actorShare = (histogram: string): number =>
    (share(histogram) / delta(`${histogram}_seconds_count`)) * steps;
  const blocked = [...to.samples.keys()].flatMap((key): [string, number][] => {
    const labels = /^troupe_blocked_seconds_total\{(.*)\}$/.exec(key)?.[1];
    if (labels === undefined) return [];
    const side = /side="(\w+)"/.exec(labels)?.[1];
    const reason = /reason="(\w+)"/.exec(labels)?.[1];
    return [[`${side}: blocked, ${reason}`, delta(key) / seconds]];
  });
  const named = {
    "learner: update": share("troupe_learner_update_duration"),
    "learner: draw": share("troupe_replay_sample_duration"),
    "learner: publish": share("troupe_publish_duration"),
    "actor: environment": actorShare("troupe_env_step_duration"),
    "actor: inference": actorShare("troupe_inference_duration"),
    ...Object.fromEntries(blocked),
  };
  const shares = { ...named, ...rest(named, "learner"), ...rest(named, "actor") };
  return { seconds, steps, updates: delta(UPDATES), shares };
}

/** What a side's thread did besides what is measured by name. */
function rest(shares: Readonly<Record<string, number>>, side: string) {
  const mine = Object.entries(shares).filter(([name]) => name.startsWith(side));
  return { [`${side}: other`]: mine.reduce((left, [, value]) => left - value, 1) };
}

async function warmUp(run: TrainProcess): Promise<void> {
  for (;;) {
    if (((await run.scrape()).samples.get(UPDATES) ?? 0) > 100) return;
    await sleep(200);
  }
}

async function main(rounds: number, seconds: number): Promise<void> {
  await using run = await TrainProcess.start(["HalfCheetah-v5", ...CONFIG]);
  await warmUp(run);
  const alone: number[] = [];
  const windows: Window[] = [];
  for (let i = 0; i < rounds; i++) {
    run.pause();
    alone.push(learnerAlone(seconds));
    run.resume();
    await sleep(SETTLE_MS);
    windows.push(await measureWindow(run, seconds));
  }
  const rates = windows.map((window) => window.steps / window.seconds);
  const names = Object.keys(windows.at(-1)?.shares ?? {});
  const report = {
    benchmark: "end-to-end",
    env: "HalfCheetah-v5",
    config: CONFIG.join(" "),
    rounds,
    seconds_per_window: seconds,
    env_steps_per_second: round(median(rates)),
    learner_updates_per_second: round(median(alone)),
    updates_per_env_step: round(median(windows.map((one) => one.updates / one.steps)), 4),
    ratio: round(median(rates) / median(alone), 3),
    median_ratio_of_rounds: round(median(rates.map((rate, i) => rate / (alone[i] ?? 0))), 3),
    target_ratio: 0.9,
    // Of the window's time; the learner's thread and the actor's are two cores.
    time_shares: Object.fromEntries(
      names.map((name) => [name, round(median(windows.map(({ shares }) => shares[name] ?? 0)), 4)]),
    ),
    resident_megabytes: round(run.memory().resident),
    runs: {
      env_steps_per_second: rates.map((rate) => round(rate)),
      learner_updates_per_second: alone,
    },
  };
  console.log(JSON.stringify(report, null, 2));
}

const [rounds = 9, seconds = 8] = process.argv.slice(2).map(Number);
await main(rounds, seconds);
