/**
 * A stand-in for the thread that learns, which does nothing but compute and notices every moment in which
 * it could not; on demand it publishes a policy as a learner does.
 */
import { workerData } from "node:worker_threads";
import { PolicyBoard, type PolicyBoardMemory } from "../src/transport/policy-board.ts";

export interface LearningThreadData {
  readonly board: PolicyBoardMemory;
  /** Float64: longest gap in ms, when the publication began (Unix ms), how long it took in ms. */
  readonly times: SharedArrayBuffer;
  /** Int32: publications asked for, publications made. */
  readonly requests: SharedArrayBuffer;
}

const { board: memory, times, requests } = workerData as LearningThreadData;
const board = new PolicyBoard(memory);
const [cells, asked] = [new Float64Array(times), new Int32Array(requests)];
const parameters = new Float32Array(memory.parameterCount).map((_, i) => i / 1e6);
const normalizer = new Float32Array(2 * memory.observationSize).fill(1);

let last = performance.now();
for (let made = 0; ; ) {
  const now = performance.now();
  cells[0] = Math.max(cells[0] ?? 0, now - last);
  last = now;
  if (Atomics.load(asked, 0) === made) continue;
  made += 1;
  cells[1] = performance.timeOrigin + now;
  board.publish({ version: made, turn: 0, parameters, normalizer });
  cells[2] = performance.now() - now;
  Atomics.store(asked, 1, made);
}
