import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeAlgorithm } from "../../src/algorithms/registry.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { makeEnv } from "../../src/envs/registry.ts";
import { CheckpointStore } from "../../src/learner/checkpoint/checkpoint-store.ts";
import type { StoredTensor } from "../../src/learner/checkpoint/safetensors.ts";
import type { SnapshotContents } from "../../src/learner/checkpoint/write-checkpoint.ts";
import { exportRun } from "../../src/learner/export-run.ts";
import { loadPolicy } from "../../src/learner/load-policy.ts";
import { RandomStream } from "../../src/math/random.ts";

/** A snapshot as the learner writes it, of an actor that nothing has trained. */
async function untrained(): Promise<SnapshotContents> {
  const id = "PointMass-v0";
  const config = parseConfig({
    env: { id },
    algorithm: { hidden: [16, 16], normalizeObservations: true },
  });
  const env = await makeEnv(id);
  const observationSize = env.observationSpace.size;
  const problem = { observationSize, actionSpace: env.actionSpace, batchSize: 4 };
  env.close();
  const algorithm = makeAlgorithm("sac", { hidden: [16, 16] }, problem);
  const actor = algorithm.groups.find(({ name }) => name === algorithm.policy.group)!;
  const random = RandomStream.derive(5, "parameters");
  const tensors: Record<string, StoredTensor> = {};
  for (const { name, shape, init } of actor.parameters) {
    const data = new Float32Array(shape.reduce((size, length) => size * length, 1));
    init(random, data);
    tensors[`parameters/${actor.name}/${name}`] = { shape, data };
  }
  const learner = {
    envSteps: 20,
    learnerStep: 10,
    turns: 0,
    bestReturn: null,
    normalizer: {
      count: 3,
      mean: new Array(observationSize).fill(0.25),
      squares: new Array(observationSize).fill(2),
    },
    sampling: random.state(),
    noise: random.state(),
  };
  return { learnerStep: 10, envSteps: 20, tensors, json: { learner, config } };
}

function openRun(): { runFolder: string; store: CheckpointStore } {
  const runFolder = mkdtempSync(join(tmpdir(), "troupe-export-"));
  onTestFinished(() => rmSync(runFolder, { recursive: true, force: true }));
  return { runFolder, store: new CheckpointStore({ runFolder, keep: 1 }) };
}

describe("exportRun", () => {
  test("writes a policy that acts like the learner's, and says how closely", async () => {
    const { runFolder, store } = openRun();
    store.writeBest(await untrained());
    const exported = await exportRun(runFolder);
    expect(exported).toMatchObject({
      path: join(runFolder, "export", "policy.onnx"),
      checkpoint: "best_000000010_20",
      env: "PointMass-v0",
      learnerStep: 10,
      envSteps: 20,
    });
    expect(exported.maxDifference).toBeLessThan(1e-6);
    await using policy = await loadPolicy(exported.path);
    const env = await makeEnv("PointMass-v0");
    const { observation } = env.reset({ seed: 1 });
    const action = await policy.act(observation);
    expect(() => env.step(action)).not.toThrow();
    env.close();
  });

  test("writes where it is told", async () => {
    const { runFolder, store } = openRun();
    store.write({ ...(await untrained()), replay: [] });
    const output = join(runFolder, "elsewhere", "actor.onnx");
    await exportRun(runFolder, { checkpoint: "last", output });
    expect(readFileSync(output).includes("troupe.learner_step")).toBe(true);
  });

  test("writes nothing for a checkpoint of another network", async () => {
    const { runFolder, store } = openRun();
    const snapshot = await untrained();
    const [name] = Object.keys(snapshot.tensors);
    const tensors = { ...snapshot.tensors, [name!]: { shape: [1], data: Float32Array.of(1) } };
    store.write({ ...snapshot, tensors, replay: [] });
    const refusal = expect.objectContaining({ code: "CHECKPOINT_INCOMPATIBLE" });
    await expect(exportRun(runFolder)).rejects.toThrow(refusal);
    expect(existsSync(join(runFolder, "export"))).toBe(false);
  });

  test("says when a run has no checkpoint yet", async () => {
    const { runFolder } = openRun();
    const refusal = expect.objectContaining({ code: "RUN_NOT_FOUND" });
    await expect(exportRun(runFolder)).rejects.toThrow(refusal);
  });
});
