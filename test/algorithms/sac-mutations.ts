import type { Algorithm, LossInputs, LossStage } from "../../src/algorithms/algorithm.ts";
import type { CriticHead } from "../../src/algorithms/critics/critic-head.ts";
import {
  actorStage,
  criticStage,
  type SacOptions,
  type SacParts,
  type SacSizes,
  sac,
  sacParts,
} from "../../src/algorithms/sac.ts";
import type { Twins } from "../../src/algorithms/twin-critic.ts";
import { mul, type Tensor } from "../../src/compile/ops.ts";

/** SAC with one term of one loss multiplied by a factor. */
export interface Mutation {
  readonly term: string;
  readonly factor: number;
  readonly algorithm: Algorithm;
}

type Mutate = (parts: SacParts, factor: number) => readonly [LossStage, LossStage];

const scaledTemperature = (parts: SacParts, factor: number): SacParts => ({
  ...parts,
  temperature: {
    ...parts.temperature,
    value: (parameters) => mul(parts.temperature.value(parameters), factor),
  },
});

const scaledResult = (stage: LossStage, factor: number): LossStage => ({
  ...stage,
  loss: (inputs) => {
    const result = stage.loss(inputs);
    return { ...result, loss: mul(result.loss, factor) };
  },
});

const scaledColumn = (stage: LossStage, column: string, factor: number): LossStage => ({
  ...stage,
  loss: (inputs: LossInputs) => {
    const values = mul(inputs.batch[column]!, factor);
    return stage.loss({ ...inputs, batch: { ...inputs.batch, [column]: values } });
  },
});

/** Multiplies the error of critic `k`, 0 or 1: errors are taken in the order of the critics. */
const scaledError = (parts: SacParts, k: number, factor: number): SacParts => {
  let calls = 0;
  const backUp: CriticHead["backUp"] = (backup, twin) => {
    const target = parts.head.backUp(backup, twin);
    const compare = (outputs: Tensor) => {
      const { loss, priority } = target.compare(outputs);
      return { loss: calls++ % 2 === k ? mul(loss, factor) : loss, priority };
    };
    return { ...target, compare };
  };
  return { ...parts, head: { ...parts.head, backUp } };
};

const scaledTargets = (parts: SacParts, factor: number): SacParts => {
  const backUp: CriticHead["backUp"] = (backup, twin) =>
    parts.head.backUp({ ...backup, next: scaledTwins(backup.next, factor) }, twin);
  return { ...parts, head: { ...parts.head, backUp } };
};

const scaledValues = (parts: SacParts, factor: number): SacParts => ({
  ...parts,
  critic: {
    ...parts.critic,
    outputs: (parameters, observations, actions) =>
      scaledTwins(parts.critic.outputs(parameters, observations, actions), factor),
  },
});

const scaledTwins = ([first, second]: Twins, factor: number): Twins => [
  mul(first, factor),
  mul(second, factor),
];

const scaledTemperatureLoss = (parts: SacParts, factor: number): SacParts => ({
  ...parts,
  temperature: {
    ...parts.temperature,
    loss: (parameters, logProbability) => {
      const loss = parts.temperature.loss?.(parameters, logProbability);
      if (loss === undefined) throw new Error("nothing to mutate: the temperature is fixed");
      return mul(loss, factor);
    },
  },
});

const mutateTerm: Readonly<Record<string, Mutate>> = {
  L_Q: (parts, factor) => [scaledResult(criticStage(parts), factor), actorStage(parts)],
  "L_Q, first critic": (parts, factor) => [
    criticStage(scaledError(parts, 0, factor)),
    actorStage(parts),
  ],
  "L_Q, second critic": (parts, factor) => [
    criticStage(scaledError(parts, 1, factor)),
    actorStage(parts),
  ],
  "L_Q, R": (parts, factor) => [
    scaledColumn(criticStage(parts), "returns", factor),
    actorStage(parts),
  ],
  "L_Q, gamma^m (1 - d)": (parts, factor) => [
    scaledColumn(criticStage(parts), "bootstrapDiscounts", factor),
    actorStage(parts),
  ],
  "L_Q, min Q'(s', a')": (parts, factor) => [
    criticStage(scaledTargets(parts, factor)),
    actorStage(parts),
  ],
  "L_Q, alpha log pi(a'|s')": (parts, factor) => [
    criticStage(scaledTemperature(parts, factor)),
    actorStage(parts),
  ],
  L_pi: (parts, factor) => [
    criticStage(parts),
    actorStage(scaledTemperature(scaledValues(parts, factor), factor)),
  ],
  "L_pi, alpha log pi(a|s)": (parts, factor) => [
    criticStage(parts),
    actorStage(scaledTemperature(parts, factor)),
  ],
  "L_pi, min Q(s, a)": (parts, factor) => [
    criticStage(parts),
    actorStage(scaledValues(parts, factor)),
  ],
  L_alpha: (parts, factor) => [
    criticStage(parts),
    actorStage(scaledTemperatureLoss(parts, factor)),
  ],
};

/** Every term of every loss, doubled and negated. */
export function sacMutations(options: SacOptions, sizes: SacSizes): Mutation[] {
  return Object.entries(mutateTerm).flatMap(([term, mutate]) =>
    [2, -1].map((factor) => {
      const stages = mutate(sacParts(options, sizes), factor);
      return { term, factor, algorithm: { ...sac(options, sizes), stages } };
    }),
  );
}
