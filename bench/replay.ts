/**
 * Question: what does replay cost beside an update, in time and memory, and how long does saving it stop
 * the learner?
 *
 * Draw, gather and priority update of a batch of 256 from a million HalfCheetah transitions; inserts into
 * the full ring; resident memory; a first save of everything, one of the 10,000 transitions after it, and
 * a restore.
 *
 *     npx tsc -p bench && taskset -c 0 node bench/dist/bench/replay.js [uniform|prioritized|lap]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream } from "../src/math/random.ts";
import { ReplayArchive } from "../src/replay/archive.ts";
import {
  BENCHMARK_DEFAULTS,
  benchmarkReplay,
  fill,
  randomUnrolls,
  replayOptions,
} from "../src/replay/benchmark.ts";
import { Replay } from "../src/replay/replay.ts";
import type { Sampling } from "../src/replay/sampler.ts";

function timed<T>(work: () => T): { readonly milliseconds: number; readonly result: T } {
  const start = performance.now();
  const result = work();
  return { milliseconds: Math.round(performance.now() - start), result };
}

function benchmarkArchive(sampling: Sampling["kind"]) {
  const random = RandomStream.derive(0, "benchmark", "archive");
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"));
  const options = replayOptions({ ...BENCHMARK_DEFAULTS, sampling }, 8);
  const replay = new Replay(options);
  fill(replay, random);
  const archive = new ReplayArchive(folder);
  const all = timed(() => archive.save(replay));
  const unrolls = randomUnrolls(options, random);
  for (let i = 0; i < 1250; i++) replay.insert(unrolls[i % unrolls.length]!);
  const increment = timed(() => archive.save(replay));
  const { files, state } = increment.result;
  const restored = timed(() => new ReplayArchive(folder).restore(options, state));
  const digest = timed(() => replay.digest());
  rmSync(folder, { recursive: true });
  return {
    save_all_milliseconds: all.milliseconds,
    save_increment_milliseconds: increment.milliseconds,
    restore_milliseconds: restored.milliseconds,
    digest_milliseconds: digest.milliseconds,
    disk_megabytes: Math.round(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1e6),
    files: files.length,
    restored_equal: restored.result.digest() === digest.result,
  };
}

const sampling = (process.argv[2] ?? "prioritized") as Sampling["kind"];
const times = benchmarkReplay({ sampling });
const report = {
  benchmark: "replay",
  env: "HalfCheetah-v5",
  node: process.versions.node,
  sampling,
  capacity: times.capacity,
  batch_size: times.batchSize,
  batch_microseconds: times.batchMicroseconds,
  sample_microseconds: times.sampleMicroseconds,
  priorities_microseconds: times.prioritiesMicroseconds,
  insert_microseconds_per_unroll: times.insertMicrosecondsPerUnroll,
  transitions: times.transitions,
  resident_megabytes: times.residentMegabytes,
  target_resident_megabytes: 200,
  archive: benchmarkArchive(sampling),
};
console.log(JSON.stringify(report, null, 2));
