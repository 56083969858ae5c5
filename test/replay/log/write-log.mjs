/**
 * Logs unrolls until there are COUNT, with a checkpoint now and then, or until it is killed:
 * `node write-log.mjs RUN_FOLDER COUNT`.
 *
 * Appends to RUN_FOLDER/durable the number of unrolls that are on the disk whenever there are more, and to
 * RUN_FOLDER/checkpoints.log the cut of each checkpoint that was completed. The main thread is the gateway,
 * another the learner. Both go on from what they find. Unroll i is `unrollOf(i)` of ./numbered-unrolls.mjs.
 */
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { CheckpointStore } from "../../../dist/learner/checkpoint/checkpoint-store.js";
import { openFrameLog } from "../../../dist/replay/log/frame-log.js";
import { LogArchive } from "../../../dist/replay/log/log-archive.js";
import { oldestListed } from "../../../dist/replay/log/log-names.js";
import { SealBarrier } from "../../../dist/replay/log/seal-barrier.js";
import { Replay } from "../../../dist/replay/replay.js";
import { encodeUnroll } from "../../../dist/replay/unroll-codec.js";
import { checkpointOf, OPTIONS, unrollOf } from "./numbered-unrolls.mjs";

const BETWEEN_CHECKPOINTS = 9;

async function runGateway(runFolder, count) {
  const memory = SealBarrier.allocate();
  const learner = new Worker(new URL(import.meta.url), { workerData: { runFolder, memory } });
  const [{ cut }] = await once(learner, "message");
  const unrollsAt = [];
  const opened = await openFrameLog({
    folder: join(runFolder, "replay"),
    quotaBytes: 4000,
    cut,
    syncIntervalMs: 0,
    segmentBytes: 1500,
    checkTerm: () => undefined,
    onDurable: (position) => {
      const unrolls = unrollsAt[position - 1];
      if (unrolls > 0) appendFileSync(join(runFolder, "durable"), `${unrolls}\n`);
    },
    onTrouble: () => undefined,
    onWarning: () => undefined,
  });
  const { log, recovered } = opened;
  const stop = new AbortController();
  const serving = new SealBarrier(memory).serve((request) => log.seal(request), stop.signal);
  const append = (record) => {
    log.append(record);
    unrollsAt.push(log.end);
  };
  let sequence = recovered.cursors[0]?.next ?? 0;
  if (recovered.cursors.length === 0) {
    const names = { slot: 0, incarnation: 1, host: "h", index: 0, instance: "i" };
    append({ kind: "join", cursor: { ...names, next: 0, refused: [] } });
  }
  for (let i = cut; i < count; i++) {
    if (i >= recovered.end) {
      const id = { slot: 0, incarnation: 1 };
      append({ kind: "unroll", ...id, sequence, payload: encodeUnroll(unrollOf(i), OPTIONS) });
      sequence += 1;
    }
    learner.postMessage(i);
    while (i % 3 === 0 && log.status.pendingRecords > 0) await setImmediate();
  }
  learner.postMessage("end");
  await once(learner, "exit");
  await log[Symbol.asyncDispose]();
  stop.abort();
  await serving;
}

function runLearner({ runFolder, memory }) {
  const store = new CheckpointStore({ runFolder, keep: 1 });
  const archive = new LogArchive(join(runFolder, "replay"), new SealBarrier(memory), {
    keptFrom: () => oldestListed(store.listedReplay()),
  });
  const restored = store.restore();
  store.removeUnlistedReplay(new Set());
  const replay = restored ? archive.restore(OPTIONS, restored.json.replay) : new Replay(OPTIONS);
  const checkpoint = () => {
    for (;;) {
      try {
        const { nextBlock } = replay.ring.position;
        store.write(checkpointOf(nextBlock, archive.save(replay)));
        appendFileSync(join(runFolder, "checkpoints.log"), `${nextBlock}\n`);
        return;
      } catch (error) {
        if (error.code !== "DISK_FULL") throw error;
      }
    }
  };
  parentPort.on("message", (message) => {
    if (message === "end") {
      checkpoint();
      parentPort.close();
      return;
    }
    replay.insert(unrollOf(message));
    if (message % BETWEEN_CHECKPOINTS === BETWEEN_CHECKPOINTS - 1) checkpoint();
  });
  parentPort.postMessage({ cut: replay.ring.position.nextBlock });
}

if (isMainThread) await runGateway(process.argv[2], Number(process.argv[3]));
else runLearner(workerData);
