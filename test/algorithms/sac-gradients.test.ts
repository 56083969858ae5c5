import { describe, expect, test } from "vitest";
import { type SacOptions, sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { RandomStream } from "../../src/math/random.ts";
import { drawInputs, trainedParameters } from "./random-inputs.ts";
import { ReferenceUpdate } from "./reference-update.ts";

const sizes = { observationSize: 4, actionSize: 2, batchSize: 16 };
const small: SacOptions = { ...sacDefaults, hidden: [12, 12], initialTemperature: 0.4 };

const coarse = { hidden: [8], support: { ...sacDefaults.support, atoms: 11 } };
const normed = { norm: "layer", activation: "gelu", initialisation: "orthogonal" } as const;
const blocks: Partial<SacOptions> = {
  criticNetwork: { architecture: "bro" },
  policyNetwork: { architecture: "simba", activation: "silu" },
};

const variants: [string, SacOptions][] = [
  ["default", small],
  [
    "tanh, huber, clamped log std, gradient through log alpha",
    {
      ...small,
      activation: "tanh",
      criticLoss: "huber",
      logStdMin: -20,
      logStdBound: "clamp",
      temperatureLoss: "logAlpha",
    },
  ],
  [
    "hl-gauss, layer norm, gelu",
    { ...small, ...coarse, critic: "hl-gauss", criticNetwork: normed },
  ],
  ["c51, blocks, mean of two", { ...small, ...coarse, critic: "c51", twin: "mean", ...blocks }],
];

/** The one loss that each group descends. */
const lossOf: Readonly<Record<string, string>> = {
  critic: "train/critic_loss",
  actor: "train/actor_loss",
  temperature: "train/ent_coef_loss",
};

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));
}

describe("the gradient of SAC's losses", () => {
  const cases = variants.flatMap(([name, options]) => {
    const algorithm = sac(options, sizes);
    const update = new ReferenceUpdate(algorithm, trainedParameters(algorithm, 3));
    return algorithm.stages.map((stage) => ({ name, stage, update }));
  });

  test.each(cases)(
    "agrees with finite differences: $name, $stage.name",
    // Two evaluations for each difference, of networks that no compiler has seen.
    { timeout: 60_000 },
    async ({ stage, update }) => {
      const { batch, noise } = drawInputs(update.algorithm, 0);
      const { gradients } = await update.evaluate(stage, batch, noise);
      expect(Object.keys(gradients)).toEqual(stage.groups);

      /** Central difference of the group's own loss along a unit direction of one of its tensors. */
      const slope = async (group: string, tensor: Float32Array, direction: Float32Array) => {
        const origin = tensor.slice();
        const step = 0.005;
        const at = async (distance: number) => {
          for (const [i, x] of origin.entries()) tensor[i] = x + distance * direction[i]!;
          return (await update.evaluate(stage, batch, noise)).metrics[lossOf[group]!]!;
        };
        const difference = (await at(step)) - (await at(-step));
        tensor.set(origin);
        return difference / (2 * step);
      };

      for (const [group, tensors] of Object.entries(gradients)) {
        for (const [name, gradient] of Object.entries(tensors)) {
          const size = norm(gradient);
          expect(size, name).toBeGreaterThan(0);
          const tensor = update.parameters[group]![name]!;
          const steepest = await slope(
            group,
            tensor,
            gradient.map((g) => g / size),
          );
          // Kinks of relu and min, curvature, and float32 noise over the step.
          const tolerance = 0.02 * size + 1e-3;
          expect(Math.abs(steepest - size), `${group}.${name}`).toBeLessThan(tolerance);

          const random = RandomStream.derive(1, group, name);
          const direction = gradient.map(() => random.normal());
          const length = norm(direction);
          const expected = gradient.reduce((sum, g, i) => sum + (g * direction[i]!) / length, 0);
          const measured = await slope(
            group,
            tensor,
            direction.map((x) => x / length),
          );
          expect(Math.abs(measured - expected), `${group}.${name}`).toBeLessThan(tolerance);
        }
      }
    },
  );
});

describe("SAC with a fixed temperature", () => {
  test("learns no temperature and reports the one it was given", async () => {
    const algorithm = sac({ ...small, temperature: 0.3 }, sizes);
    expect(algorithm.groups.map(({ name }) => name)).toEqual(["critic", "actor", "targetCritic"]);
    const update = new ReferenceUpdate(algorithm, trainedParameters(algorithm, 3));
    const { batch, noise } = drawInputs(algorithm, 0);
    const { actor } = await update.step(batch, noise);
    expect(actor!.metrics["train/ent_coef"]).toBeCloseTo(0.3, 6);
    expect(actor!.metrics).not.toHaveProperty("train/ent_coef_loss");
  });
});
