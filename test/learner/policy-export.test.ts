import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ParameterGroup, Policy } from "../../src/algorithms/algorithm.ts";
import { makeAlgorithm } from "../../src/algorithms/registry.ts";
import { linear, tanh } from "../../src/compile/ops.ts";
import { checkExport } from "../../src/learner/check-export.ts";
import { CheckpointStore } from "../../src/learner/checkpoint/checkpoint-store.ts";
import {
  PolicyExporter,
  type PolicyShape,
  type PolicyWeights,
} from "../../src/learner/export-policy.ts";
import { loadPolicy } from "../../src/learner/load-policy.ts";
import { RandomStream } from "../../src/math/random.ts";

const observationSize = 3;
const actionSize = 2;

/** tanh(x W + b): small enough to work out by hand. */
const policy: Policy = {
  group: "actor",
  observationSize,
  actionSize,
  mode: ({ w, b }, observations) => {
    if (!(w && b)) throw new Error("no parameters");
    return tanh(linear(observations, w, b));
  },
  sample: () => {
    throw new Error("not exported");
  },
};

const group: ParameterGroup = {
  name: "actor",
  parameters: [
    { name: "w", shape: [observationSize, actionSize], init: () => undefined },
    { name: "b", shape: [actionSize], init: () => undefined },
  ],
};

const w = [0.5, -1, 0.25, 2, -0.75, 0.1];
const b = [0.1, -0.2];
const mean = [1, -2, 0.5];
const scale = [2, 0.5, 4];
const middle = [0.5, -3];
const halfRange = [1.5, 0.25];

const weights: PolicyWeights = {
  parameters: Float32Array.from([...w, ...b]),
  normalizer: Float32Array.from([...mean, ...scale]),
};

function shapeWith(clip: number | undefined): PolicyShape {
  const bounds = { middle: Float32Array.from(middle), halfRange: Float32Array.from(halfRange) };
  return { policy, group, scale: bounds, clip };
}

/** The formula, in float64. */
function expectedAction(observation: readonly number[], clip: number | undefined): number[] {
  const x = observation.map((value, i) => {
    if (clip === undefined) return value;
    return Math.min(Math.max((value - mean[i]!) * scale[i]!, -clip), clip);
  });
  return middle.map((center, j) => {
    const sum = x.reduce((total, value, i) => total + value * w[i * actionSize + j]!, b[j]!);
    return center + halfRange[j]! * Math.tanh(sum);
  });
}

function writeModel(model: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-policy-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "policy.onnx");
  writeFileSync(path, model);
  return path;
}

function randomRows(rows: number, size: number): Float32Array {
  const observations = new Float32Array(rows * size);
  RandomStream.derive(7, "observations").fillNormal(observations);
  return observations.map((value) => 5 * value);
}

describe("an exported policy", () => {
  test.each([
    ["raw observations", undefined],
    ["normalised and clipped observations", 1.5],
  ])("holds normaliser, weights and scaling: %s", async (_, clip) => {
    const model = new PolicyExporter(shapeWith(clip)).encode(weights);
    await using loaded = await loadPolicy(writeModel(model));
    expect(loaded).toMatchObject({ observationSize, actionSize });
    for (const observation of [
      [0, 0, 0],
      [1, -2, 0.5],
      [1.2, -1.5, 0.4],
      [100, -100, 3],
    ]) {
      const action = await loaded.act(observation);
      const expected = expectedAction(observation, clip);
      for (const [i, value] of expected.entries()) expect(action[i]).toBeCloseTo(value, 5);
      expect(action).toHaveLength(actionSize);
    }
  });

  test("takes any number of observations at once", async () => {
    const model = new PolicyExporter(shapeWith(10)).encode(weights);
    await using loaded = await loadPolicy(writeModel(model));
    const rows = randomRows(37, observationSize);
    const together = await loaded.act(rows);
    expect(together).toHaveLength(37 * actionSize);
    for (const row of [0, 5, 36]) {
      const alone = await loaded.act(rows.subarray(3 * row, 3 * row + 3));
      for (const [i, value] of alone.entries()) {
        expect(together[2 * row + i]).toBeCloseTo(value, 6);
      }
    }
  });

  test("keeps its own weights when the learner goes on with the buffers", async () => {
    const exporter = new PolicyExporter(shapeWith(undefined));
    const live = { ...weights, parameters: weights.parameters.slice() };
    const first = exporter.encode(live);
    live.parameters.fill(0);
    const second = exporter.encode(live);
    await using early = await loadPolicy(writeModel(first));
    await using late = await loadPolicy(writeModel(second));
    expect((await early.act([1, 2, 3]))[0]).toBeCloseTo(
      expectedAction([1, 2, 3], undefined)[0]!,
      5,
    );
    expect([...(await late.act([1, 2, 3]))]).toEqual(middle);
  });

  test("refuses weights of another network", () => {
    const exporter = new PolicyExporter(shapeWith(undefined));
    const parameters = new Float32Array(weights.parameters.length + 1);
    expect(() => exporter.encode({ ...weights, parameters })).toThrow(RangeError);
  });
});

describe("checkExport", () => {
  function sacPolicy(): PolicyShape & PolicyWeights {
    const bounds = Float32Array.of(1, 1, 0.4, 2);
    const algorithm = makeAlgorithm(
      "sac",
      { hidden: [32, 32] },
      {
        observationSize: 11,
        actionSpace: { kind: "box", size: 4, low: bounds.map((x) => -x), high: bounds },
        batchSize: 4,
      },
    );
    const actor = algorithm.groups.find(({ name }) => name === algorithm.policy.group)!;
    const random = RandomStream.derive(3, "parameters");
    const parameters = actor.parameters.flatMap((spec) => {
      const data = new Float32Array(spec.shape.reduce((size, length) => size * length, 1));
      spec.init(random, data);
      return [...data];
    });
    return {
      policy: algorithm.policy,
      group: actor,
      scale: { middle: new Float32Array(4), halfRange: bounds },
      clip: 10,
      parameters: Float32Array.from(parameters),
      normalizer: Float32Array.from({ length: 22 }, (_, i) => (i < 11 ? i / 10 : 1 / i)),
    };
  }

  test("finds SAC's policy equal to the learner's own to float32 rounding", async () => {
    const source = sacPolicy();
    const model = new PolicyExporter(source).encode(source, { env: "Test-v0" });
    const difference = await checkExport(model, source, randomRows(64, 11));
    expect(difference).toBeLessThan(1e-6);
  });

  test.each(["parameters", "normalizer"] as const)(
    "refuses a model with other %s",
    async (part) => {
      const source = sacPolicy();
      const other = { ...source, [part]: source[part].map((value) => value * 1.001) };
      const model = new PolicyExporter(other).encode(other);
      const refusal = expect.objectContaining({ code: "INTERNAL" });
      await expect(checkExport(model, source, randomRows(64, 11))).rejects.toThrow(refusal);
    },
  );

  test("refuses a policy that gives no numbers", async () => {
    const source = sacPolicy();
    const broken = { ...source, parameters: source.parameters.map(() => Number.NaN) };
    const model = new PolicyExporter(broken).encode(broken);
    await expect(checkExport(model, broken, randomRows(4, 11))).rejects.toThrow("NaN");
  });
});

describe("loadPolicy", () => {
  const model = new PolicyExporter(shapeWith(undefined)).encode(weights);
  const notFound = expect.objectContaining({ code: "RUN_NOT_FOUND" });
  const corrupt = expect.objectContaining({ code: "CHECKPOINT_CORRUPT" });

  function runFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), "troupe-run-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  test("prefers the best policy of a run, and takes the last when asked or when there is no best", async () => {
    const folder = runFolder();
    const store = new CheckpointStore({ runFolder: folder, keep: 1 });
    const still = new PolicyExporter(shapeWith(undefined)).encode({
      ...weights,
      parameters: new Float32Array(8),
    });
    const contents = { learnerStep: 5, envSteps: 5, tensors: {}, json: {} };
    store.write({ ...contents, files: { "policy.onnx": still }, replay: [] });
    await using last = await loadPolicy(folder);
    expect([...(await last.act([1, 2, 3]))]).toEqual(middle);
    store.writeBest({ ...contents, files: { "policy.onnx": model } });
    await using best = await loadPolicy(folder);
    expect([...(await best.act([1, 2, 3]))]).not.toEqual(middle);
    await using asked = await loadPolicy(folder, { checkpoint: "last" });
    expect([...(await asked.act([1, 2, 3]))]).toEqual(middle);
  });

  test("says what is missing", async () => {
    const folder = runFolder();
    await expect(loadPolicy(join(folder, "nowhere"))).rejects.toThrow(notFound);
    await expect(loadPolicy(folder)).rejects.toThrow(notFound);
    const store = new CheckpointStore({ runFolder: folder, keep: 1 });
    store.write({ learnerStep: 1, envSteps: 1, tensors: {}, json: {}, replay: [] });
    await expect(loadPolicy(folder)).rejects.toThrow("policy.onnx does not exist");
  });

  test("refuses a file that is no model", async () => {
    await expect(loadPolicy(writeModel(Buffer.from("hello")))).rejects.toThrow(corrupt);
    await expect(loadPolicy(writeModel(model.subarray(0, 100)))).rejects.toThrow(corrupt);
  });

  test("refuses an observation of another size", async () => {
    await using loaded = await loadPolicy(writeModel(model));
    await expect(loaded.act([1, 2])).rejects.toThrow(RangeError);
    await expect(loaded.act([])).rejects.toThrow(RangeError);
  });
});
