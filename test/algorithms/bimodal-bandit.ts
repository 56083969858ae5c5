import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import { type PmoeOptions, pmoe } from "../../src/algorithms/pmoe.ts";
import {
  add,
  fromArray,
  maximum,
  neg,
  read,
  reshape,
  scalar,
  square,
  sub,
  type Tensor,
} from "../../src/compile/ops.ts";
import { TrainStep } from "../../src/compile/train-step.ts";
import { RandomStream } from "../../src/math/random.ts";

export interface BanditOptions {
  readonly mixture: PmoeOptions;
  /** alpha, the price of entropy. */
  readonly temperature: number;
  readonly updates: number;
  readonly seed: number;
}

export interface BanditResult {
  /** tanh of each expert's mean. */
  readonly means: readonly number[];
  /** The gate's mean probability of the first expert in the second half. */
  readonly gate: number;
}

const BATCH = 64;
const network = {
  hidden: [16],
  activation: "tanh",
  initialisation: "uniform",
  logStdMin: -5,
  logStdMax: 0,
  logStdBound: "squash",
} as const;

/** Q(a) = max(-(a - 0.5)^2, -(a + 0.5)^2): two actions are equally good. */
function value(_states: Tensor, actions: Tensor): Tensor {
  const a = reshape(actions, [actions.shape[0] ?? 1]);
  return maximum(neg(square(sub(a, 0.5))), neg(square(add(a, 0.5))));
}

/** What a policy learns of one state and a critic that knows it all. */
export async function learnBimodalBandit(options: BanditOptions): Promise<BanditResult> {
  const { mixture, temperature, updates, seed } = options;
  const policy = pmoe({ observationSize: 1, actionSize: 1 }, { ...network, ...mixture });
  const algorithm: Algorithm = {
    name: "bandit",
    groups: [
      {
        name: "actor",
        parameters: policy.parameters,
        optimizer: { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      },
    ],
    stages: [
      {
        name: "actor",
        groups: ["actor"],
        loss: ({ parameters, batch, noise }) => {
          const { loss, metrics = {} } = policy.improve({
            parameters: parameters["actor"] ?? {},
            observations: batch["observations"] as Tensor,
            noise: noise["actions"] as Tensor,
            temperature: scalar(temperature),
            value,
          });
          return { loss, metrics };
        },
      },
    ],
    targets: [],
    batch: [{ name: "observations", shape: [BATCH, 1] }],
    noise: [{ name: "actions", shape: [BATCH, policy.lossNoiseSize] }],
    policy: { group: "actor", observationSize: 1, actionSize: 1, ...policy, sample: noSample },
  };
  await using step = await TrainStep.create(algorithm, {
    random: RandomStream.derive(seed, "parameters"),
  });
  const [batch, noise] = [step.createBatch(), step.createNoise()];
  const random = RandomStream.derive(seed, "noise");
  batch["observations"]?.fill(1);
  let gate = 0;
  for (let k = 0; k < updates; k++) {
    for (const column of Object.values(noise)) random.fillNormal(column);
    // The step is lowered to 0 in the second half.
    const { metrics } = await step.step(batch, noise, Math.min(1, 2 - (2 * k) / updates));
    if (k >= updates / 2) gate += (metrics["pmoe/gate_0"] ?? 1) / (updates / 2);
  }
  const { heads } = policy.units(tensorsOf(step), fromArray(Float32Array.of(1), [1, 1]));
  const means = await Promise.all(heads.map(async (head) => Math.tanh((await read(head))[0] ?? 0)));
  return { means: means.slice(0, mixture.experts), gate };
}

function noSample(): Tensor {
  throw new Error("nobody acts here");
}

function tensorsOf(step: TrainStep): Record<string, Tensor> {
  const values = step.parameters("actor");
  return Object.fromEntries(
    step.layout("actor").map(({ name, shape, offset }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return [name, fromArray(values.slice(offset, offset + size), shape)];
    }),
  );
}
