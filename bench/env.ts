/**
 * Question: how fast is `env.step()` beside Gymnasium on the native engine, and what else does it cost?
 *
 * - Random actions, resets included, on one core: fresh processes of Gymnasium in Python and of each Node
 *   take turns; ratios are of medians.
 * - HalfCheetah through `Env` (time limit, observation, reward, guard included) beside bare `mj_step` calls.
 * - HalfCheetah on two threads and two cores beside one.
 * - Memory of a process with 64 Humanoids.
 *
 *     npm run build && npx tsc -p bench && PEER_PYTHON=.../bin/python PEERS=.../peers \
 *       NODES=.../bin/node,.../bin/node node bench/dist/bench/env.js [rounds=7] [steps=3000]
 *
 * `NODES` defaults to the Node that runs it. Needs Linux: processes are bound to cores by `taskset`.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, resultText, round } from "./results.ts";

/** Steps per second relative to native Gymnasium, by Node's major version and task. */
const TARGETS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "20": { "HalfCheetah-v5": 0.75, "Hopper-v5": 0.9, "Ant-v5": 0.65, "Humanoid-v5": 0.6 },
  "24": { "HalfCheetah-v5": 1, "Hopper-v5": 1.1, "Ant-v5": 0.85, "Humanoid-v5": 0.78 },
};
/** Two threads relative to one. */
const THREAD_TARGETS: Readonly<Record<string, number>> = { "20": 1.6, "24": 1.8 };
const ENVIRONMENTS = 64;

type Rates = Readonly<Record<string, number>>;

/** What a command prints when bound to `cores`. */
function printed(cores: string, command: readonly string[]): string {
  return execFileSync("taskset", ["-c", cores, ...command], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** Gymnasium's rates by task, from lines such as `Ant-v5 3815 steps/s`. */
function runPeer(): Rates {
  const { PEER_PYTHON: python, PEERS: folder } = process.env;
  if (!(python && folder)) throw new Error("PEER_PYTHON and PEERS say where the peers are");
  const output = printed("0", [python, join(folder, "gym_steps.py")]);
  const lines = [...output.matchAll(/^(\S+) ([\d.]+) steps\/s$/gm)];
  if (lines.length === 0) throw new Error(`gym_steps.py printed no rate: ${output}`);
  return Object.fromEntries(lines.map(([, env, rate]) => [env, Number(rate)]));
}

const script = fileURLToPath(new URL("env-process.js", import.meta.url));

function measure(node: string, cores: string, what: readonly string[]): unknown {
  return JSON.parse(printed(cores, [node, script, ...what]));
}

/** Rounds of every runner, each round in the opposite order of the one before. */
function takeTurns(runners: readonly (() => Rates)[], rounds: number): Rates[][] {
  const results: Rates[][] = runners.map(() => []);
  for (let i = 0; i < rounds; i++) {
    const order = [...runners.entries()];
    for (const [index, run] of i % 2 === 0 ? order : order.reverse()) results[index]?.push(run());
  }
  return results;
}

function ratesOf(results: readonly Rates[], env: string): number[] {
  return results.map((rates) => Math.round(rates[env] ?? Number.NaN));
}

function compare(native: readonly Rates[], ours: readonly Rates[], major: string) {
  return Object.keys(native[0] ?? {}).map((env) => {
    const rates = { native: ratesOf(native, env), ours: ratesOf(ours, env) };
    return {
      env,
      native_steps_per_second: median(rates.native),
      steps_per_second: median(rates.ours),
      ratio: round(median(rates.ours) / median(rates.native), 3),
      target: TARGETS[major]?.[env] ?? null,
      rounds: rates,
    };
  });
}

function reportOf(node: string, native: readonly Rates[], ours: readonly Rates[]) {
  const version = printed("0", [node, "-p", "process.versions.node"]).trim();
  const major = version.split(".")[0] ?? "";
  const threads = measure(node, "0,1", ["threads", "20000"]) as Rates;
  const memory = measure(node, "0", ["memory", String(ENVIRONMENTS)]) as Rates;
  return {
    node: version,
    beside_native: compare(native, ours, major),
    beside_bare_mj_step: measure(node, "0", ["bare", "10000"]),
    two_threads: {
      steps_per_second: [threads["one"], threads["two"]].map((rate) => Math.round(rate ?? NaN)),
      ratio: round(threads["ratio"] ?? Number.NaN, 3),
      target: THREAD_TARGETS[major] ?? null,
    },
    humanoids: {
      environments: memory["environments"],
      peak_resident_megabytes: round(memory["peak_resident_megabytes"] ?? Number.NaN),
      target: 300,
    },
  };
}

function main(rounds: number, steps: number): void {
  const nodes = process.env["NODES"]?.split(",") ?? [process.execPath];
  const runners = nodes.map((node) => () => measure(node, "0", ["steps", String(steps)]) as Rates);
  const [native = [], ...ours] = takeTurns([runPeer, ...runners], rounds);
  const report = {
    benchmark: "env",
    rounds,
    steps_per_round: steps,
    nodes: nodes.map((node, i) => reportOf(node, native, ours[i] ?? [])),
  };
  console.log(resultText(report));
}

const [rounds = 7, steps = 3000] = process.argv.slice(2).map(Number);
main(rounds, steps);
