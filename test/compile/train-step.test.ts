import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import { sacDefaults } from "../../src/algorithms/sac.ts";
import type { TrainStep } from "../../src/compile/train-step.ts";
import { expectClose, relativeError } from "../algorithms/closeness.ts";
import { drawInputs, trainedParameters } from "../algorithms/random-inputs.ts";
import { loadRecordedSac } from "../algorithms/recorded-sac.ts";
import { ReferenceUpdate } from "../algorithms/reference-update.ts";
import { sacMutations } from "../algorithms/sac-mutations.ts";
import { traceError, traceReference } from "../algorithms/update-trace.ts";
import { openStep, smallSac, traceStep } from "./trained.ts";

const TOLERANCE = 1e-4;

/** Runs both executors side by side for `updates` and compares what the last one left. */
async function disagreement(reference: Algorithm, compiled: Algorithm, updates: number) {
  const parameters = trainedParameters(reference, 3);
  const plain = new ReferenceUpdate(reference, parameters);
  await using step = await openStep(compiled, parameters);
  let worst = { error: 0, where: "" };
  for (let k = 0; k < updates; k++) {
    const { batch, noise } = drawInputs(reference, k);
    const expected = await plain.step(batch, noise);
    const result = await step.step(batch, noise);
    if (k === updates - 1) {
      worst = traceError(traceStep(step, result), traceReference(plain, expected));
    }
  }
  return worst;
}

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
  test("agrees with jax-js in every leaf after one update", async () => {
    const { error, where } = await disagreement(smallSac(), smallSac(), 1);
    expect(error, where).toBeLessThan(TOLERANCE);
  });

  // Fifty updates of the uncompiled reference take some seconds.
  test("agrees with jax-js in every leaf after fifty updates", { timeout: 60_000 }, async () => {
    const { error, where } = await disagreement(smallSac(), smallSac(), 50);
    expect(error, where).toBeLessThan(TOLERANCE);
  });

  test.each(
    sacMutations(
      { ...sacDefaults, hidden: [24, 24] },
      { observationSize: 5, actionSize: 3, batchSize: 16 },
    ),
  )("is told apart from one with $term times $factor", async ({ algorithm }) => {
    const { error } = await disagreement(smallSac(), algorithm, 1);
    expect(error).toBeGreaterThan(TOLERANCE);
  });

  test("makes the two updates recorded from JAX", async () => {
    const recorded = loadRecordedSac();
    await using step = await openStep(recorded.algorithm, recorded.before);
    for (const { batch, noise, losses, tdErrors } of recorded.updates) {
      const { metrics, perSample } = await step.step(batch, noise);
      expect(relativeError([metrics["train/critic_loss"]!], [losses.critic])).toBeLessThan(1e-5);
      expect(relativeError([metrics["train/actor_loss"]!], [losses.actor])).toBeLessThan(1e-5);
      expect(relativeError(perSample["tdErrors"]!, tdErrors)).toBeLessThan(1e-5);
    }
    const { parameters, first, second } = traceStep(step, await failingStep(step));
    expectClose(parameters, recorded.after, 1e-5);
    expectClose(first, recorded.first, 1e-5);
    expectClose(second, recorded.second, 1e-5);
  });

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
