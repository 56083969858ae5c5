/**
 * Question: how many environment steps a second does PPO learn from, beside PyTorch?
 *
 * HalfCheetah-v5, 2048 steps an iteration, 10 epochs of minibatches of 64, two networks of 64x64. The peer and
 * each way to run PPO take turns, each in a process of its own, so that what else the machine does falls on
 * all of them. A rate is that of the iterations after the first.
 *
 *     npm run build && npx tsc -p bench && PEER_PYTHON=.../bin/python PEERS=.../peers \
 *       taskset -c 0,1 node bench/dist/bench/ppo.js [rounds=7] [iterations=8]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, repository, round } from "./results.ts";

const T = 2048;

/** All of them learn from as many steps in an iteration. */
const variants: Readonly<Record<string, readonly string[]>> = {
  synchronous: [],
  "synchronous, 2 actors": ["actors.count=2", `actors.unrollLength=${T / 2}`],
  overlapped: ["ppo.mode=overlapped"],
  "overlapped, 2 actors": ["ppo.mode=overlapped", "actors.count=2", `actors.unrollLength=${T / 2}`],
};

function peer(): number {
  const { PEER_PYTHON: python, PEERS: folder } = process.env;
  if (!(python && folder)) throw new Error("PEER_PYTHON and PEERS say where the peers are");
  const argv = [join(folder, "torch_ppo.py"), "1"];
  const output = execFileSync(python, argv, { encoding: "utf8" });
  return Number(/env steps\/s (\d+)/.exec(output)?.[1]);
}

function own(settings: readonly string[], iterations: number): number {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"));
  try {
    const all = [...settings, "evaluation.interval=0", "metrics.logIntervalSeconds=0.1"];
    const argv = [
      ...[join(repository, "dist", "cli.js"), "train", "HalfCheetah-v5", "--algo", "ppo"],
      ...["-n", String(T * iterations), "--run-dir", folder, "--name", "run", "--no-progress"],
      ...[...all, "metrics.port=off"].flatMap((setting) => ["--set", setting]),
    ];
    execFileSync(process.execPath, argv, { stdio: "ignore" });
    return rateIn(join(folder, "run", "metrics.jsonl"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Steps a second from the end of the first iteration to the end of the last. */
function rateIn(file: string): number {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const records = lines.map((line) => JSON.parse(line) as { step: number; time: number });
  const learned = records.filter(({ step }) => step >= T);
  const first = learned[0];
  const last = learned.find(({ step }) => step === learned.at(-1)?.step);
  if (!first || !last || first === last) throw new Error("too few iterations to measure");
  return (last.step - first.step) / (last.time - first.time);
}

const [rounds = "7", iterations = "8"] = process.argv.slice(2);
const peers: number[] = [];
const rates = new Map(Object.keys(variants).map((name): [string, number[]] => [name, []]));
for (let turn = 0; turn < Number(rounds); turn++) {
  peers.push(peer());
  for (const [name, settings] of Object.entries(variants)) {
    rates.get(name)?.push(own(settings, Number(iterations)));
  }
}
const results = [...rates].map(([name, own]) => [
  name,
  {
    env_steps_per_second: round(median(own), 0),
    ratio: round(median(own.map((rate, i) => rate / (peers[i] ?? Number.NaN))), 2),
    all: own.map((rate) => round(rate, 0)),
  },
]);
console.log(
  JSON.stringify({
    peer: { env_steps_per_second: round(median(peers), 0), all: peers },
    variants: Object.fromEntries(results),
  }),
);
