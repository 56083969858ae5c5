import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { PolicyBoard } from "../../src/transport/policy-board.ts";

const PARAMETERS = 20_000;
const destination = () => ({
  parameters: new Float32Array(PARAMETERS),
  normalizer: new Float32Array(4),
});
const policy = (version: number) => ({
  version,
  turn: version + 1,
  parameters: new Float32Array(PARAMETERS).fill(version),
  normalizer: Float32Array.of(version, 0, 1, 1),
});

describe("PolicyBoard", () => {
  test("gives the newest policy only", () => {
    const board = new PolicyBoard(PolicyBoard.allocate(PARAMETERS, 2));
    expect(board.read(destination())).toBeUndefined();
    board.publish(policy(1));
    board.publish(policy(2));
    expect(board.read(destination())).toEqual(policy(2));
    expect(board.published).toBe(2);
  });

  test("never mixes two versions while another thread publishes", async () => {
    const memory = PolicyBoard.allocate(PARAMETERS, 2);
    const module = new URL("../../dist/transport/policy-board.js", import.meta.url).href;
    const wasRead = new Int32Array(new SharedArrayBuffer(4));
    const writer = new Worker(
      `const { workerData } = require("node:worker_threads");
       import(workerData.module).then(({ PolicyBoard }) => {
         const board = new PolicyBoard(workerData.memory);
         for (let version = 0; version < 3000; version++) {
           // Until the first was read, lest it be over before anybody looks.
           if (version === 1) Atomics.wait(workerData.wasRead, 0, 0);
           const parameters = new Float32Array(${PARAMETERS}).fill(version);
           board.publish({ version, turn: 0, parameters, normalizer: new Float32Array(4).fill(version) });
         }
       });`,
      { eval: true, workerData: { memory, module, wasRead } },
    );
    const exited = once(writer, "exit");
    const board = new PolicyBoard(memory);
    const out = destination();
    let last = -1;
    let reads = 0;
    while (last < 2999) {
      board.wait(board.published, 1);
      const read = board.read(out);
      if (!read) continue;
      expect(read.version).toBeGreaterThanOrEqual(last);
      expect(read.parameters.every((value) => value === read.version)).toBe(true);
      last = read.version;
      reads++;
      Atomics.store(wasRead, 0, 1);
      Atomics.notify(wasRead, 0);
    }
    expect(reads).toBeGreaterThan(1);
    await exited;
  });
});
