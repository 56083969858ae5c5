/**
 * Runs mutated inputs through a parser: `node fuzz.mjs TARGET SEED FIRST COUNT`.
 *
 * Prints one line of JSON with what came of it. A case is all in (target, seed, number), so one that fails
 * is run again alone with COUNT 1. A thread runs them and the main thread watches: a parser that does not
 * come back is reported, too.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { RandomStream } from "../../dist/math/random.js";
import { TARGETS } from "./targets.mjs";

/** Far above what any case takes on a busy machine. */
const CASE_LIMIT_MS = 5_000;

function watch([target, ...numbers]) {
  const [seed, first, count] = numbers.map(Number);
  const at = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { target, seed, first, count, at },
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  let seen = -1;
  let since = performance.now();
  const watchdog = setInterval(() => {
    if (at[0] !== seen) {
      seen = at[0];
      since = performance.now();
    } else if (performance.now() - since > CASE_LIMIT_MS) {
      end({ failed: `no end after ${CASE_LIMIT_MS} ms`, case: seen });
    }
  }, 100);
  const end = (result) => {
    clearInterval(watchdog);
    process.stdout.write(`${JSON.stringify({ target, seed, ...result })}\n`, () =>
      process.exit(result.failed === undefined ? 0 : 1),
    );
  };
  worker.on("message", end);
  worker.on("error", (error) => end({ failed: String(error.stack), case: at[0] }));
}

function runCases({ target, seed, first, count, at }) {
  const runCase = TARGETS[target]();
  const outcomes = {};
  let slowestMs = 0;
  const warm = first + Math.floor(count / 5);
  let rssWarm = 0;
  const start = performance.now();
  for (let i = first; i < first + count; i++) {
    Atomics.store(at, 0, i);
    if (i === warm) rssWarm = settledRss();
    const begun = performance.now();
    const outcome = runCase(RandomStream.derive(seed, target, i));
    slowestMs = Math.max(slowestMs, performance.now() - begun);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return {
    cases: count,
    outcomes,
    slowest_case_ms: Math.round(10 * slowestMs) / 10,
    rss_growth_bytes: settledRss() - rssWarm,
    seconds: Math.round((performance.now() - start) / 100) / 10,
  };
}

/** After garbage is gone, as far as that can be asked for. */
function settledRss() {
  for (let i = 0; i < 2; i++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

if (isMainThread) watch(process.argv.slice(2));
else parentPort.postMessage(runCases(workerData));
