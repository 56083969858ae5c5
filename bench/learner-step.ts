/**
 * Question: how fast is one SAC update beside JAX and PyTorch, and where does its time go?
 *
 * HalfCheetah's sizes, 256x256 networks, batch 256, temperature, Adam and slow copies included, the
 * drawing of the batch too. Each run is a fresh process; the three take turns. The share of matrix
 * products comes from a run of its own with onnxruntime's profiler, which slows what it watches.
 *
 *     npx tsc -p bench && PEER_PYTHON=.../bin/python PEERS=.../peers \
 *       taskset -c 0 node bench/dist/bench/learner-step.js [runs=7] [threads=1]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchmarkLearner } from "../src/compile/benchmark.ts";
import { median } from "./results.ts";

const MATRIX_PRODUCTS = new Set(["Gemm", "FusedGemm", "MatMul", "FusedMatMul"]);

/** Updates per second as a peer's script prints them. */
function runPeer(script: string, threads: number): number {
  const { PEER_PYTHON: python, PEERS: folder } = process.env;
  if (!(python && folder)) throw new Error("PEER_PYTHON and PEERS say where the peers are");
  const output = execFileSync(python, [join(folder, script), String(threads)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const match = /upd(?:ates)?\/s ([\d.]+)/.exec(output);
  if (!match?.[1]) throw new Error(`${script} printed no rate: ${output}`);
  return Number(match[1]);
}

function runOurs(threads: number): number {
  const output = execFileSync(
    process.execPath,
    [fileURLToPath(import.meta.url), "--once", String(threads)],
    {
      encoding: "utf8",
    },
  );
  return (JSON.parse(output) as { updates_per_second: number }).updates_per_second;
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args: { readonly op_name?: string };
}

/** Share of each operator in the time that the graphs compute. */
async function profile(threads: number) {
  const folder = mkdtempSync(join(tmpdir(), "troupe-profile-"));
  await benchmarkLearner({ threads, updates: 100, profilePrefix: join(folder, "stage") });
  const totals = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const events = JSON.parse(readFileSync(join(folder, file), "utf8")) as ProfileEvent[];
    for (const { cat, name, dur, args } of events) {
      if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
      const operator = args.op_name ?? "?";
      totals.set(operator, (totals.get(operator) ?? 0) + dur);
    }
  }
  rmSync(folder, { recursive: true });
  const all = [...totals.values()].reduce((a, b) => a + b, 0);
  const products = [...totals].filter(([operator]) => MATRIX_PRODUCTS.has(operator));
  const share = (part: number): number => Math.round((1000 * part) / all) / 1000;
  return {
    gemm_share: share(products.reduce((sum, [, time]) => sum + time, 0)),
    shares: Object.fromEntries(
      [...totals].sort(([, a], [, b]) => b - a).map(([operator, time]) => [operator, share(time)]),
    ),
  };
}

async function compare(runs: number, threads: number): Promise<void> {
  const rates: Record<"troupe" | "jax" | "torch", number[]> = { troupe: [], jax: [], torch: [] };
  for (let run = 0; run < runs; run++) {
    rates.troupe.push(runOurs(threads));
    rates.jax.push(runPeer("jax_sac.py", threads));
    rates.torch.push(runPeer("torch_sac.py", threads));
  }
  const medians = {
    troupe: median(rates.troupe),
    jax: median(rates.jax),
    torch: median(rates.torch),
  };
  const ratio = (peer: number): number => Math.round((1000 * medians.troupe) / peer) / 1000;
  console.log(
    JSON.stringify(
      {
        benchmark: "learner-step",
        node: process.versions.node,
        cpu: cpus()[0]?.model,
        threads,
        updates_per_second: medians,
        ratio_to_jax: ratio(medians.jax),
        ratio_to_torch: ratio(medians.torch),
        runs: rates,
        ...(await profile(threads)),
      },
      null,
      2,
    ),
  );
}

if (process.argv[2] === "--once") {
  console.log(JSON.stringify(await benchmarkLearner({ threads: Number(process.argv[3]) })));
} else {
  await compare(Number(process.argv[2] ?? 7), Number(process.argv[3] ?? 1));
}
