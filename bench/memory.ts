/**
 * Question: how much memory does a local run take when replay holds a million transitions?
 *
 * A real `troupe train HalfCheetah-v5` with two actors and the default capacity until replay is full and
 * overwrites, and the last checkpoint. Resident memory of the whole process, from /proc. To save time,
 * random warm-up fills 60 % of replay, from then on there is one update for 256 steps, not for each, and
 * evaluations are every 250,000 steps.
 *
 *     npm run build && npx tsc -p bench
 *     node bench/dist/bench/memory.js [transitions=1000000]
 */
import { setTimeout as sleep } from "node:timers/promises";
import { round } from "./results.ts";
import { TrainProcess } from "./train-process.ts";

const CAPACITY = 1_000_000;
/** Environment steps by transitions to be held. */
const [WARM_UP, TOTAL] = [0.6, 1.02];

interface Reading {
  readonly transitions: number;
  readonly resident_megabytes: number;
}

async function main(transitions: number): Promise<void> {
  const settings = [
    `algorithm.learningStarts=${WARM_UP * transitions}`,
    "replay.samplesPerInsert=1",
    `replay.capacity=${CAPACITY}`,
    "evaluation.interval=250000",
  ].flatMap((setting) => ["--set", setting]);
  const config = ["--actors", "2", "--total-steps", String(TOTAL * transitions), ...settings];
  await using run = await TrainProcess.start(["HalfCheetah-v5", ...config]);
  const start = performance.now();
  const readings: Reading[] = [];
  let peak = 0;
  let latest: Reading | undefined;
  let updates = 0;
  while (run.isRunning) {
    try {
      const { samples } = await run.scrape();
      const memory = run.memory();
      peak = memory.peak;
      updates = samples.get("troupe_learner_updates_total") ?? updates;
      latest = {
        transitions: samples.get("troupe_replay_size_transitions") ?? 0,
        resident_megabytes: round(memory.resident),
      };
      const due = (readings.at(-1)?.transitions ?? -Infinity) + transitions / 10;
      if (latest.transitions >= due) readings.push(latest);
    } catch {
      // It ended between two looks.
    }
    await sleep(250);
  }
  if (run.exitCode !== 0) throw new Error(`the run ended with ${run.exitCode}`);
  const report = {
    benchmark: "memory",
    env: "HalfCheetah-v5",
    config: config.join(" "),
    transitions,
    updates,
    seconds: round((performance.now() - start) / 1000),
    peak_resident_megabytes: round(peak),
    target_peak_resident_megabytes: 1200,
    readings: [...readings, latest],
  };
  console.log(JSON.stringify(report, null, 2));
}

await main(Number(process.argv[2] ?? CAPACITY));
