/**
 * The increasing-bias regression of Farebrother et al. 2024, arXiv 2403.03950, figure 17: see
 * nonstationary-regression.ts.
 */
import type { Algorithm, LossInputs } from "../src/algorithms/algorithm.ts";
import { type CriticName, criticHead } from "../src/algorithms/critics/registry.ts";
import { network } from "../src/algorithms/networks.ts";
import { mean, square, sub, type Tensor } from "../src/compile/ops.ts";
import { TrainStep } from "../src/compile/train-step.ts";
import { RandomStream } from "../src/math/random.ts";

export const EXAMPLES = 16_384;
const FEATURES = 32;
export const BATCH = 256;
export const HIDDEN = [128, 128];
export const LEARNING_RATE = 1e-3;
/** Updates at the end of a phase whose errors are averaged. */
const TAIL = 100;

function regressor(critic: CriticName): Algorithm {
  const head = criticHead(critic, {
    criticLoss: "squared",
    support: { atoms: 101, min: -40, max: 40, locations: "bins" },
    sigmaRatio: 0.75,
  });
  const net = network(
    { prefix: "", inputSize: FEATURES, outputSize: head.outputs },
    { hidden: HIDDEN, activation: "relu", initialisation: "uniform" },
  );
  const optimizer = { learningRate: LEARNING_RATE, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  return {
    name: critic,
    groups: [{ name: "critic", parameters: net.parameters, optimizer }],
    stages: [
      {
        name: "regression",
        groups: ["critic"],
        loss({ parameters, batch }: LossInputs) {
          const [x, y] = [batch["x"] as Tensor, batch["y"] as Tensor];
          const outputs = net.forward(parameters["critic"] ?? {}, x);
          const loss = mean(head.toward(y).compare(outputs).loss);
          return { loss, metrics: { mse: mean(square(sub(head.value(outputs), y))) } };
        },
      },
    ],
    targets: [],
    batch: [
      { name: "x", shape: [BATCH, FEATURES] },
      { name: "y", shape: [BATCH] },
    ],
    noise: [],
    policy: { group: "critic", observationSize: 0, actionSize: 0 } as Algorithm["policy"],
  };
}

/** Inputs, and labels that are noise to anyone who does not know f: tanh(x A) b, times 1e5, in a sine. */
function examples(random: RandomStream) {
  const x = new Float32Array(EXAMPLES * FEATURES);
  random.fillNormal(x);
  const [a, b] = [new Float32Array(FEATURES * FEATURES), new Float32Array(FEATURES)];
  random.fillNormal(a);
  random.fillNormal(b);
  const y = Float32Array.from({ length: EXAMPLES }, (_, row) => {
    let f = 0;
    for (let j = 0; j < FEATURES; j++) {
      let h = 0;
      for (let i = 0; i < FEATURES; i++)
        h += (x[row * FEATURES + i] ?? 0) * (a[i * FEATURES + j] ?? 0);
      f += Math.tanh(h) * (b[j] ?? 0);
    }
    return Math.sin(1e5 * f);
  });
  return { x, y };
}

export interface BiasRun {
  readonly critic: CriticName;
  readonly seed: number;
  /** In each phase. */
  readonly updates: number;
  /** One for each phase. */
  readonly biases: readonly number[];
}

/** Mean squared error at the end of each phase. */
export async function learnIncreasingBias(run: BiasRun): Promise<number[]> {
  const { critic, seed, updates, biases } = run;
  const { x, y } = examples(RandomStream.derive(seed, "examples"));
  await using step = await TrainStep.create(regressor(critic), {
    random: RandomStream.derive(seed, "parameters"),
  });
  const random = RandomStream.derive(seed, "batches");
  const batch = step.createBatch() as Record<"x" | "y", Float32Array>;
  const errors: number[] = [];
  for (const bias of biases) {
    let tail = 0;
    for (let k = 0; k < updates; k++) {
      for (let row = 0; row < BATCH; row++) {
        const from = random.integer(EXAMPLES);
        batch.x.set(x.subarray(from * FEATURES, (from + 1) * FEATURES), row * FEATURES);
        batch.y[row] = (y[from] ?? 0) + bias;
      }
      const { metrics } = await step.step(batch, {});
      if (k >= updates - TAIL) tail += (metrics["mse"] ?? Number.NaN) / TAIL;
    }
    errors.push(tail);
  }
  return errors;
}
