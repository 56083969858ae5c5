import { describe, expect, test } from "vitest";
import { dormancy } from "../../src/algorithms/drm/dormancy.ts";
import { drmDefaults } from "../../src/algorithms/drm/guidance.ts";
import { type Drqv2Options, drqv2, drqv2Defaults } from "../../src/algorithms/drqv2/drqv2.ts";
import { meanPolicy } from "../../src/algorithms/drqv2/networks.ts";
import { noisyActions } from "../../src/algorithms/exploration-noise.ts";
import { concat, fromArray, reshape, zeros } from "../../src/compile/ops.ts";
import { TrainStep } from "../../src/compile/train-step.ts";
import { RandomStream } from "../../src/math/random.ts";
import { given, runCompiled, withGradients } from "../compile/compiled.ts";

const IMAGE = { height: 12, width: 12, channels: 1, stack: 2 };
const SMALL = {
  ...drqv2Defaults,
  hidden: [8, 8],
  featureSize: 6,
  encoder: { channels: 4, strides: [2, 1] },
};
const PIXELS = { observationSize: 288, image: IMAGE, actionSize: 2, batchSize: 4 };
const STATES = { observationSize: 5, actionSize: 2, batchSize: 4 };

type Sizes = Parameters<typeof drqv2>[1];

async function open(sizes: Sizes, options: Partial<Drqv2Options> = {}) {
  const algorithm = drqv2({ ...SMALL, ...options }, sizes);
  const step = await TrainStep.create(algorithm, { random: RandomStream.derive(1) });
  const random = RandomStream.derive(2);
  const batch = step.createBatch();
  const noise = step.createNoise();
  for (const [name, column] of [...Object.entries(batch), ...Object.entries(noise)]) {
    random.fillNormal(column);
    if (name === "importanceWeights") column.fill(1);
    if (name === "bootstrapDiscounts") column.fill(0.97);
    if (sizes.image && name.endsWith("bservations")) {
      for (let i = 0; i < column.length; i++) column[i] = random.integer(256);
    }
  }
  return { algorithm, step, update: () => step.step(batch, noise) };
}

const copies = (step: TrainStep) =>
  Object.fromEntries(step.groupNames.map((name) => [name, step.parameters(name).slice()]));

describe("noisyActions", () => {
  const mean = given([0.5, 0.5, 0.95, -0.95]);
  const normals = given([1, 10, 10, -0.1]);
  const std = given([0.2], []);

  test("adds clipped noise, and stays inside of [-1, 1]", async () => {
    const { bounded, free } = await runCompiled(
      ({ mean, normals, std }) => {
        const noise = { normals: normals!, std: std! };
        return {
          bounded: noisyActions(mean!, { ...noise, bound: 0.3 }),
          free: noisyActions(mean!, noise),
        };
      },
      { mean, normals, std },
    );
    const edge = 1 - 1e-6;
    for (const [i, value] of [0.7, 0.8, edge, -0.97].entries()) {
      expect(bounded?.[i]).toBeCloseTo(value, 6);
    }
    for (const [i, value] of [0.7, edge, edge, -0.97].entries()) {
      expect(free?.[i]).toBeCloseTo(value, 6);
    }
    for (const value of [...(bounded ?? []), ...(free ?? [])]) {
      expect(Math.abs(value)).toBeLessThan(1);
    }
  });

  test("has the mean's gradient even where it is clamped", async () => {
    const graph = withGradients(({ mean, normals, std }) =>
      noisyActions(mean!, { normals: normals!, std: std!, bound: 0.3 }),
    );
    const gradients = await runCompiled(graph, { mean, normals, std });
    for (const [i, slope] of [7, 8, 9, 10].entries()) {
      expect(gradients["d/d mean"]?.[i]).toBeCloseTo(slope / 7, 5);
    }
  });
});

describe("drqv2", () => {
  test("moves the encoder by the critics' loss alone, and publishes it before the policy", async () => {
    const { algorithm, step, update } = await open(PIXELS);
    expect(algorithm.stages.map(({ groups }) => groups)).toEqual([
      ["encoder", "critic"],
      ["actor"],
    ]);
    const before = copies(step);
    expect((await update()).finite).toBe(true);
    for (const name of ["encoder", "critic", "actor", "targetCritic"]) {
      expect(step.parameters(name), name).not.toEqual(before[name]);
    }
    const published = step.published();
    const encoder = step.parameters("encoder");
    expect(published.subarray(0, encoder.length)).toEqual(encoder);
    expect(published.subarray(encoder.length)).toEqual(step.parameters("actor"));
  });

  test("has the actor learn from the features that the critics saw, before the encoder's step", async () => {
    // A critic that stands still, so that the actor's loss tells the features it was given.
    const { step, update } = await open(PIXELS, {
      learningRates: { actor: 1e-9, critic: 1e-9 },
    });
    const { metrics } = await update();
    const first = metrics["train/actor_loss"];
    step.parameters("encoder").fill(0);
    const { metrics: blind } = await update();
    expect(first).not.toBeCloseTo(blind["train/actor_loss"] ?? 0, 6);
  });

  test("without an image has no encoder: DrM on states", async () => {
    const { algorithm, update } = await open(STATES, { drm: drmDefaults });
    expect(algorithm.groups.map(({ name }) => name)).not.toContain("encoder");
    expect(algorithm.policy.encoder).toBeUndefined();
    const { finite, metrics } = await update();
    expect(finite).toBe(true);
    // The trunk's 6 units, twice 8 and 2 of the action.
    const ratio = metrics["drm/dormant_ratio"] ?? Number.NaN;
    expect(ratio * 24).toBeCloseTo(Math.round(ratio * 24), 5);
    expect(metrics["drm/exploitation"]).toBeLessThanOrEqual(0.6);
  });

  test("adds to its losses' actions what the ratio or the schedule asks for, whichever is more", async () => {
    const firstLosses = async (linear: number, options: Partial<Drqv2Options> = {}) => {
      const { step, update } = await open(STATES, options);
      step.setConstant("schedule", "linear", linear);
      const { metrics } = await update();
      return metrics;
    };
    const withDrm = { drm: { ...drmDefaults, exploitation: 0 } };
    const asleep = await firstLosses(0, withDrm);
    const ratio = asleep["drm/dormant_ratio"] ?? Number.NaN;
    const byRatio = 1 / (1 + Math.exp(-(ratio - 0.2) / 0.1));
    const pairs = [
      [asleep, await firstLosses(byRatio)],
      [await firstLosses(1, withDrm), await firstLosses(1)],
    ] as const;
    for (const [own, plain] of pairs) {
      for (const key of ["train/critic_loss", "train/actor_loss"]) {
        expect(own[key], key).toBeCloseTo(plain[key] ?? Number.NaN, 5);
      }
    }
    expect(pairs[0][0]["train/actor_loss"]).not.toBeCloseTo(
      pairs[1][0]["train/actor_loss"] ?? 0,
      5,
    );
  });

  test("counts units of the trunk before its norm, hidden ones after their activation", async () => {
    const options = { ...SMALL, hidden: [3] };
    const policy = meanPolicy({ inputSize: 2, featureSize: 4, actionSize: 2 }, options);
    const biases: Record<string, number[]> = {
      // The norm would make something of nothing.
      "trunk.bias": [0, 1, 1, 1],
      "trunkNorm.scale": [1, 1, 1, 1],
      "hidden0.bias": [1, 1, -5],
      "output.bias": [0.5, 0.5],
    };
    const { counts } = await runCompiled(
      ({ observations }) => {
        const parameters = Object.fromEntries(
          policy.parameters.map(({ name, shape }) => [
            name,
            biases[name] ? fromArray(Float32Array.from(biases[name]), shape) : zeros(shape),
          ]),
        );
        const { hidden, heads } = policy.units(parameters, observations!);
        expect(hidden.map((layer) => layer.shape[1])).toEqual([4, 3, 2]);
        expect(heads).toEqual([]);
        const dormant = hidden.map((layer) => reshape(dormancy(layer, 0.025).dormant, [1]));
        return { counts: concat(dormant) };
      },
      { observations: given([1, 2, -1, 0.5], [2, 2]) },
    );
    expect([...counts!]).toEqual([1, 1, 0]);
  });

  test.each(["hl-gauss", "two-hot", "c51"] as const)("learns with %s critics", async (critic) => {
    const support = { atoms: 11, min: -10, max: 10, locations: "atoms" } as const;
    const { step, update } = await open(STATES, { critic, support });
    const before = copies(step);
    expect((await update()).finite).toBe(true);
    expect(step.parameters("critic")).not.toEqual(before["critic"]);
  });

  test("fits its critics to the returns of terminated steps", async () => {
    const { step, update } = await open(STATES, {
      learningRates: { actor: 1e-3, critic: 1e-2 },
    });
    let loss = Number.NaN;
    for (let i = 0; i < 300; i++) {
      step.setConstant("schedule", "linear", 0);
      loss = (await update()).metrics["train/critic_loss"] ?? Number.NaN;
    }
    expect(loss).toBeLessThan(0.05);
  });
});
