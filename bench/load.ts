/**
 * Question: how much does one learner take in from many actors, and what does that cost?
 *
 * Simulated actors (fleet.ts) send unrolls of HalfCheetah-v5's sizes, 64 steps each, over real sessions to a
 * real `troupe learner`, as fast as it lets them. One part at a time:
 *
 *     npm run build && npx tsc -p bench
 *     node bench/dist/bench/load.js ingest    64 actors, no updates: rate, CPU of both sides, share of each stage
 *     node bench/dist/bench/load.js scale     256 and 1,000 actors for 60 s: errors, memory, fairness
 *     node bench/dist/bench/load.js latency   one connection over 0, 2, 10 and 40 ms (root: network namespaces)
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NetHosts, whyNoHosts } from "../test/chaos/net/hosts.ts";
import { monotonicMicroseconds, stageMilliseconds } from "./cpu-profile.ts";
import { FleetProcess, type FleetReport } from "./fleet-process.ts";
import { residentMegabytes, secondsSince, threadSeconds } from "./process-usage.ts";
import { median, repository, round } from "./results.ts";
import { TrainProcess, type TrainProcessOptions } from "./train-process.ts";

const UNROLL = 64;
/** A transition of HalfCheetah-v5 in the ring: 17 + 6 + 2 numbers, a flag, and its share of the boundary. */
const TRANSITION_BYTES = 101 * (1 + 2 / UNROLL);
const STEPS = "troupe_env_steps_total";

const sets = (values: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(values).flatMap(([path, value]) => ["--set", `${path}=${value}`]);

/** A learner that only takes in. */
const TAKING_IN = sets({
  totalSteps: 1e9,
  "actors.unrollLength": UNROLL,
  "algorithm.learningStarts": 2e7,
  "replay.capacity": 4.2e7,
  "evaluation.interval": 0,
  "checkpoint.intervalSeconds": 0,
  "learner.threads": 1,
  "cluster.durability": "log",
  "cluster.logQuotaBytes": 4e9,
});

/** One that forgets, and updates so rarely that it does not matter: for hours, if need be. */
const GOING_ON = sets({
  totalSteps: 1e9,
  "actors.unrollLength": UNROLL,
  "algorithm.learningStarts": 10_000,
  "replay.capacity": 1e6,
  "replay.samplesPerInsert": 0.001,
  "evaluation.interval": 0,
  "checkpoint.intervalSeconds": 0,
  "learner.threads": 1,
  "cluster.durability": "log",
  "cluster.logQuotaBytes": 4e9,
});

function startLearner(
  listen: string,
  config: readonly string[],
  options: TrainProcessOptions = {},
): Promise<TrainProcess> {
  const argv = ["HalfCheetah-v5", "--listen", listen, "--seed", "1", ...config];
  return TrainProcess.start(argv, { ...options, command: "learner" });
}

/** The rate at which the learner took steps in, and the CPU of both sides, over the fleet's window. */
async function measureIngest(learner: TrainProcess, fleet: FleetProcess) {
  await fleet.measuring;
  const from = await learner.scrape();
  const cpuBefore = threadSeconds(learner.pid);
  const report = await fleet.report;
  const cpu = secondsSince(learner.pid, cpuBefore);
  const to = await learner.scrape();
  const steps = (to.samples.get(STEPS) ?? 0) - (from.samples.get(STEPS) ?? 0);
  const seconds = (to.time - from.time) / 1000;
  const durable = UNROLL * report.durable_frames;
  return { report, taken: steps / seconds, durable: durable / report.seconds, cpu, steps: durable };
}

async function ingest(rounds = 5, seconds = 8): Promise<object> {
  const results: Awaited<ReturnType<typeof measureIngest>>[] = [];
  for (let i = 0; i < rounds; i++) {
    await using learner = await startLearner("127.0.0.1:0", TAKING_IN);
    const address = await learner.address();
    const fleet = new FleetProcess({ learner: address, actors: 64, hosts: 4, seconds });
    results.push(await measureIngest(learner, fleet));
  }
  const stages = await ingestStages(seconds);
  const rates = results.map(({ durable }) => durable);
  return {
    benchmark: "load: ingest",
    actors: 64,
    unroll_length: UNROLL,
    durability: "log",
    transitions_per_second: round(median(rates)),
    target: 400_000,
    into_replay_per_second: round(median(results.map(({ taken }) => taken))),
    // CPU milliseconds per 1,000 transitions.
    learner_cpu_ms: round(median(results.map(({ cpu, steps }) => (1e6 * cpu.total) / steps)), 3),
    fleet_cpu_ms: round(
      median(results.map(({ report, steps }) => (1e6 * report.cpu_seconds) / steps)),
      3,
    ),
    learner_threads_cpu_share: results
      .at(-1)
      ?.cpu.threads.slice(0, 4)
      .map((each) => round(each / (results.at(-1)?.report.seconds ?? 1), 2)),
    learner_stage_shares: stages,
    durable_after_ms: results.at(-1)?.report.durable_after_ms,
    refused_frames: results.reduce((sum, { report }) => sum + report.refused_frames, 0),
    lost_sessions: results.flatMap(({ report }) => report.lost_sessions),
    runs: { transitions_per_second: rates.map((rate) => round(rate)) },
  };
}

/** The share of each stage in the learner's CPU, by V8's sampling profiler. */
async function ingestStages(seconds: number): Promise<Readonly<Record<string, number>>> {
  const folder = mkdtempSync(join(tmpdir(), "troupe-profile-"));
  try {
    const node = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
    await using learner = await startLearner("127.0.0.1:0", TAKING_IN, { node });
    const address = await learner.address();
    const fleet = new FleetProcess({ learner: address, actors: 64, hosts: 4, seconds });
    await fleet.measuring;
    const from = monotonicMicroseconds();
    await fleet.report;
    const window = { from, to: monotonicMicroseconds() };
    await learner.stop();
    const stages = [...stageMilliseconds(folder, window)].sort(([, a], [, b]) => b - a);
    const total = stages.reduce((sum, [, milliseconds]) => sum + milliseconds, 0);
    return Object.fromEntries(stages.map(([name, ms]) => [name, round(ms / total, 3)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function scaleOf(actors: number, hosts: number, seconds: number): Promise<object> {
  await using learner = await startLearner("127.0.0.1:0", GOING_ON);
  const address = await learner.address();
  // Two processes: one would be busier than the learner.
  const fleets = ["a", "b"].map(
    (name) =>
      new FleetProcess({
        learner: address,
        name,
        actors: actors / 2,
        hosts: hosts / 2,
        seconds,
        warmUp: 5,
      }),
  );
  const resident: number[] = [];
  const sampler = setInterval(() => resident.push(residentMegabytes(learner.pid)), 500);
  const reports = await Promise.all(fleets.map(({ report }) => report));
  clearInterval(sampler);
  const scrape = await learner.scrape();
  const counters = [...scrape.samples].filter(
    ([key, value]) => value > 0 && /refus|dropped|resend|errors_total/.test(key),
  );
  const least = Math.min(...reports.map(({ frames_per_actor }) => frames_per_actor.least));
  const most = Math.max(...reports.map(({ frames_per_actor }) => frames_per_actor.most));
  const replay = (1e6 * TRANSITION_BYTES) / 1e6;
  const sum = (of: (report: FleetReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  return {
    actors,
    connections: hosts,
    seconds,
    connected: sum((report) => report.connected),
    connected_at_end: sum((report) => report.connected_at_end),
    transitions_per_second: round(UNROLL * sum((report) => report.frames_per_second)),
    frames_per_actor: { least, most, ratio: round(most / least, 3) },
    target_ratio: 1.5,
    durable_after_ms: reports[0]?.durable_after_ms,
    learner_resident_megabytes: round(Math.max(...resident)),
    replay_megabytes: round(replay),
    above_replay_megabytes: round(Math.max(...resident) - replay),
    target_megabytes: 1_000,
    refused_frames: sum((report) => report.refused_frames),
    lost_sessions: reports.flatMap(({ lost_sessions }) => lost_sessions),
    learner_counters: Object.fromEntries(counters),
  };
}

async function scale(seconds = 60): Promise<object> {
  return {
    benchmark: "load: scale",
    unroll_length: UNROLL,
    runs: [await scaleOf(256, 16, seconds), await scaleOf(1000, 50, seconds)],
  };
}

const ROUND_TRIPS_MS = [0, 2, 10, 40] as const;

async function latency(rounds = 3, seconds = 6): Promise<object> {
  const reason = whyNoHosts("switch");
  if (reason) throw new Error(reason);
  await using hosts = await NetHosts.up(2, "switch");
  await using learner = await startLearner(
    `${hosts.address(1)}:7447`,
    [...GOING_ON, "--insecure"],
    {
      prefix: hosts.command(1, []),
    },
  );
  const address = await learner.address();
  const rates = new Map<number, FleetReport[]>(ROUND_TRIPS_MS.map((rtt) => [rtt, []]));
  for (let i = 0; i < rounds; i++) {
    for (const rtt of ROUND_TRIPS_MS) {
      hosts.set({ delayMs: rtt / 2 });
      const fleet = new FleetProcess({
        learner: address,
        // A host like any: one connection.
        ...{ actors: 16, hosts: 1, seconds, warmUp: 3, name: `rtt-${rtt}-${i}` },
        prefix: hosts.command(2, []),
      });
      rates.get(rtt)?.push(await fleet.report);
      // Their slots are to be free for the next.
      await sleep(500);
    }
  }
  const of = (rtt: number, what: (report: FleetReport) => number): number =>
    median((rates.get(rtt) ?? []).map(what));
  const base = of(0, ({ frames_per_second }) => frames_per_second);
  return {
    benchmark: "load: latency",
    actors: 16,
    connections: 1,
    unroll_length: UNROLL,
    target_ratio: 0.5,
    // All over the same switch in user space, which takes CPU of its own.
    runs: ROUND_TRIPS_MS.map((rtt) => ({
      round_trip_ms: rtt,
      transitions_per_second: round(UNROLL * of(rtt, ({ frames_per_second }) => frames_per_second)),
      ratio: round(of(rtt, ({ frames_per_second }) => frames_per_second) / base, 3),
      durable_after_ms: of(rtt, ({ durable_after_ms }) => durable_after_ms.median),
      lost_sessions: (rates.get(rtt) ?? []).flatMap(({ lost_sessions }) => lost_sessions),
    })),
  };
}

process.chdir(repository);
const [part = "", ...numbers] = process.argv.slice(2);
const parts = { ingest, scale, latency } as const;
if (!(part in parts)) throw new Error(`which of ${Object.keys(parts).join(", ")}?`);
const run: (...numbers: number[]) => Promise<object> = parts[part as keyof typeof parts];
console.log(JSON.stringify(await run(...numbers.map(Number)), null, 2));
