import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { SealBarrier, type SealRequest } from "../../../src/replay/log/seal-barrier.ts";

/** Of what is served; longer than a busy machine takes. */
const LONG_MS = 20_000;

/** Asks, in a thread that blocks meanwhile, and posts what came of it. */
const LEARNER = `
  import { parentPort, workerData } from "node:worker_threads";
  const { SealBarrier } = await import(workerData.module);
  const barrier = new SealBarrier(workerData.memory);
  for (const [i, timeoutMs] of workerData.timeoutsMs.entries()) {
    const end = i + 1;
    try {
      barrier.seal({ endIndex: end * 1e10, releasedBelow: end }, timeoutMs);
      parentPort.postMessage("sealed");
    } catch (error) {
      parentPort.postMessage(error.code + ": " + error.message);
    }
  }
`;

/** @param timeoutsMs One for each request. */
function startLearner(memory: SharedArrayBuffer, timeoutsMs: readonly number[]): Worker {
  const module = new URL("../../../dist/replay/log/seal-barrier.js", import.meta.url).href;
  const source = new URL(`data:text/javascript,${encodeURIComponent(LEARNER)}`);
  return new Worker(source, { workerData: { module, memory, timeoutsMs } });
}

async function answersOf(learner: Worker): Promise<string[]> {
  const answers: string[] = [];
  learner.on("message", (answer: string) => answers.push(answer));
  await once(learner, "exit");
  return answers;
}

describe("SealBarrier", () => {
  test("lets the learner go on once its request is served", async () => {
    const memory = SealBarrier.allocate();
    const stop = new AbortController();
    const served: SealRequest[] = [];
    const serving = new SealBarrier(memory).serve(async (request) => {
      served.push(request);
      await new Promise((resolve) => setImmediate(resolve));
    }, stop.signal);
    expect(await answersOf(startLearner(memory, Array(50).fill(LONG_MS)))).toEqual(
      Array(50).fill("sealed"),
    );
    expect(served).toEqual(
      Array.from({ length: 50 }, (_, i) => ({ endIndex: (i + 1) * 1e10, releasedBelow: i + 1 })),
    );
    stop.abort();
    await serving;
  });

  test("serves what was asked before it began", async () => {
    const memory = SealBarrier.allocate();
    const learner = startLearner(memory, [LONG_MS]);
    await expect.poll(() => new Int32Array(memory)[0], { timeout: LONG_MS }).toBe(1);
    const stop = new AbortController();
    const serving = new SealBarrier(memory).serve(() => Promise.resolve(), stop.signal);
    expect(await answersOf(learner)).toEqual(["sealed"]);
    stop.abort();
    await serving;
  });

  test("a request that is not served in time fails, and the next is served all the same", async () => {
    const memory = SealBarrier.allocate();
    const stop = new AbortController();
    let first: (() => void) | undefined;
    const learner = startLearner(memory, [300, LONG_MS]);
    const answers: string[] = [];
    learner.on("message", (answer: string) => {
      answers.push(answer);
      first?.();
    });
    const serving = new SealBarrier(memory).serve(({ releasedBelow }) => {
      if (releasedBelow === 2) return Promise.resolve();
      return new Promise((resolve) => {
        first = resolve;
      });
    }, stop.signal);
    await once(learner, "exit");
    expect(answers).toEqual([expect.stringMatching(/^DISK_FULL: .*within 0.3 s$/), "sealed"]);
    stop.abort();
    await serving;
  });

  test("failures and the end of serving turn the learner away", async () => {
    const memory = SealBarrier.allocate();
    const stop = new AbortController();
    const failing = new SealBarrier(memory).serve(() => {
      return Promise.reject(new Error("taken over"));
    }, stop.signal);
    expect(await answersOf(startLearner(memory, [LONG_MS]))).toEqual([
      "INTERNAL: the frame log could not be sealed",
    ]);
    stop.abort();
    await failing;
    expect(await answersOf(startLearner(memory, [LONG_MS]))).toEqual([
      "INTERNAL: the frame log is closed",
    ]);
  });
});
