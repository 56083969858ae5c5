/**
 * Question: what does the network between learner and actors cost on one machine?
 *
 * `troupe train` with one actor beside `troupe learner` with one `troupe actor`, HalfCheetah-v5, one update
 * per environment step. They take turns: the processes of one side are stopped by a signal while the other
 * has the machine. Rates are the learners' own counters, from 1.5 s after each continuation on.
 *
 *     npm run build && npx tsc -p bench
 *     taskset -c 0,1 node bench/dist/bench/load-cluster.js [rounds=9] [seconds=8]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { median, repository, round } from "./results.ts";
import { TrainProcess } from "./train-process.ts";

const STEPS = "troupe_env_steps_total";
const UPDATES = "troupe_learner_updates_total";
const SETTLE_MS = 1500;
const SHARED = ["HalfCheetah-v5", "--set", "learner.threads=1"];

/** One side: the processes that make it up, and the one that counts. */
interface Side {
  readonly counting: TrainProcess;
  readonly actor?: ChildProcess;
}

function signal({ counting, actor }: Side, state: "stop" | "go"): void {
  if (state === "stop") {
    actor?.kill("SIGSTOP");
    counting.pause();
  } else {
    counting.resume();
    actor?.kill("SIGCONT");
  }
}

async function measure(side: Side, seconds: number) {
  signal(side, "go");
  await sleep(SETTLE_MS);
  const from = await side.counting.scrapeAtChange(UPDATES);
  await sleep(1000 * seconds);
  const to = await side.counting.scrapeAtChange(UPDATES);
  signal(side, "stop");
  const passed = (to.time - from.time) / 1000;
  const delta = (name: string) => (to.samples.get(name) ?? 0) - (from.samples.get(name) ?? 0);
  return { rate: delta(STEPS) / passed, ratio: delta(UPDATES) / delta(STEPS) };
}

async function warmUp(side: Side): Promise<void> {
  while (((await side.counting.scrape()).samples.get(UPDATES) ?? 0) <= 100) await sleep(200);
  signal(side, "stop");
}

async function main(rounds: number, seconds: number): Promise<void> {
  await using local = await TrainProcess.start([...SHARED, "--actors", "1"]);
  const localSide: Side = { counting: local };
  await warmUp(localSide);
  await using learner = await TrainProcess.start([...SHARED, "--listen", "127.0.0.1:0"], {
    command: "learner",
  });
  const argv = ["actor", "--learner", await learner.address(), "--workers", "1"];
  const actor = spawn(
    process.execPath,
    [join(repository, "dist", "cli.js"), ...argv, "--log-level", "warn"],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const clusterSide: Side = { counting: learner, actor };
  try {
    await warmUp(clusterSide);
    const runs = { local: [] as number[], cluster: [] as number[] };
    const ratios: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const alone = await measure(localSide, seconds);
      const apart = await measure(clusterSide, seconds);
      runs.local.push(alone.rate);
      runs.cluster.push(apart.rate);
      ratios.push(apart.ratio);
    }
    const rates = {
      local: runs.local.map((rate) => round(rate)),
      cluster: runs.cluster.map((rate) => round(rate)),
    };
    const report = {
      benchmark: "load: cluster beside local",
      env: "HalfCheetah-v5",
      rounds,
      seconds_per_window: seconds,
      local_env_steps_per_second: round(median(runs.local)),
      cluster_env_steps_per_second: round(median(runs.cluster)),
      ratio: round(median(runs.cluster) / median(runs.local), 3),
      median_ratio_of_rounds: round(
        median(runs.cluster.map((rate, i) => rate / (runs.local[i] ?? 0))),
        3,
      ),
      target_ratio: 0.9,
      updates_per_env_step_in_cluster: round(median(ratios), 4),
      runs: rates,
    };
    console.log(JSON.stringify(report, null, 2));
  } finally {
    actor.kill("SIGKILL");
  }
}

const [rounds = 9, seconds = 8] = process.argv.slice(2).map(Number);
await main(rounds, seconds);
