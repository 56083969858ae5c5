import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { TrainStep } from "../../src/compile/train-step.ts";
import { drawInputs, trainedParameters } from "../algorithms/random-inputs.ts";
import { openStep, smallSac } from "./trained.ts";

function hashOf(step: TrainStep): string {
  const hash = createHash("sha256");
  for (const [name, { data }] of Object.entries(step.exportState())) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

async function hashAfter(updates: number, threads: number): Promise<string> {
  const algorithm = smallSac();
  await using step = await openStep(algorithm, trainedParameters(algorithm, 3), threads);
  for (let k = 0; k < updates; k++) {
    const { batch, noise } = drawInputs(algorithm, k);
    await step.step(batch, noise);
  }
  return hashOf(step);
}

describe("TrainStep", () => {
  test("leaves no trace of an update that is not finite", async () => {
    const algorithm = smallSac();
    await using step = await openStep(algorithm);
    const { batch, noise } = drawInputs(algorithm, 0);
    await step.step(batch, noise);
    const before = hashOf(step);
    const { finite } = await failingStep(step);
    expect(finite).toBe(false);
    expect(hashOf(step)).toBe(before);
    expect((await step.step(batch, noise)).finite).toBe(true);
    expect(hashOf(step)).not.toBe(before);
  });

  test("goes on from an exported state as if it had never stopped", async () => {
    const algorithm = smallSac();
    await using whole = await openStep(algorithm);
    await using resumed = await openStep(algorithm);
    for (let k = 0; k < 6; k++) {
      const { batch, noise } = drawInputs(algorithm, k);
      if (k === 3) resumed.importState(whole.exportState());
      await whole.step(batch, noise);
      if (k >= 3) await resumed.step(batch, noise);
    }
    expect(resumed.steps).toBe(6);
    expect(hashOf(resumed)).toBe(hashOf(whole));
  });

  test("refuses a state with a tensor of another shape and changes nothing", async () => {
    await using step = await openStep(smallSac());
    const before = hashOf(step);
    const state = step.exportState();
    const name = "second/actor/output.bias";
    const broken = { ...state, [name]: { shape: [1], data: new Float32Array(1) } };
    expect(() => step.importState(broken)).toThrow(name);
    expect(hashOf(step)).toBe(before);
  });

  test("refuses a column of another length", async () => {
    const algorithm = smallSac();
    await using step = await openStep(algorithm);
    const { batch, noise } = drawInputs(algorithm, 0);
    await expect(step.step({ ...batch, returns: new Float32Array(3) }, noise)).rejects.toThrow(
      "returns",
    );
  });

  test("gives the same bits whatever the number of threads", async () => {
    expect(await hashAfter(5, 2)).toBe(await hashAfter(5, 1));
  });

  test("lays parameters out in the order of their specification", async () => {
    const algorithm = smallSac();
    await using step = await openStep(algorithm);
    const actor = algorithm.groups.find(({ name }) => name === "actor")!;
    expect(step.layout("actor").map(({ name }) => name)).toEqual(
      actor.parameters.map(({ name }) => name),
    );
    const last = step.layout("actor").at(-1)!;
    expect(step.parameters("actor").length).toBe(last.offset + last.shape[0]!);
  });
});

/** An update from a batch with NaN in it. */
async function failingStep(step: TrainStep) {
  const { batch, noise } = drawInputs(step.algorithm, 0);
  return step.step({ ...batch, returns: batch["returns"]!.map(() => Number.NaN) }, noise);
}

describe("TrainStep in processes of its own", () => {
  // Two Node processes that load and compile everything afresh.
  test("gives the same bits in each of them", { timeout: 60_000 }, async () => {
    const hashes = await Promise.all([runInProcess(1), runInProcess(2)]);
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0]);
  });
});

async function runInProcess(threads: number): Promise<string> {
  const file = fileURLToPath(new URL("./hash-updates.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, String(threads)]);
  return stdout.trim();
}
