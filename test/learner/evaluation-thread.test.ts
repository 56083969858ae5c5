import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** Disposes of evaluations at all ages: while the thread starts, loads its modules, opens the policy, or has failed. */
const SCRIPT = `
  import { setTimeout as sleep } from "node:timers/promises";
  import { EvaluationThread } from "./dist/learner/evaluation-thread.js";
  const env = { id: "PointMass-v0", options: {} };
  for (let i = 0; i < 24; i++) {
    const thread = new EvaluationThread(1000, () => {});
    const result = thread.run({ model: new Uint8Array(10), env, episodes: 1, seed: 1 });
    const ended = result.then(() => "value", ({ name }) => name);
    await sleep(20 * i);
    await thread[Symbol.asyncDispose]();
    console.log(await ended);
  }
`;

// A thread ended in the middle of a require, or of ONNX Runtime, would take its process along.
test("an evaluation can be given up at any moment", { timeout: 60_000 }, async () => {
  const argv = ["--input-type=module", "--eval", SCRIPT];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  const names = stdout.trim().split("\n");
  expect(names).toHaveLength(24);
  expect(
    names.filter((name) => name !== "AbortError" && name !== "Error" && name !== "RunError"),
  ).toEqual([]);
  expect(names).toContain("AbortError");
});
