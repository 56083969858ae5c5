import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { TrainStep } from "../../src/compile/train-step.ts";
import { RandomStream } from "../../src/math/random.ts";

/** SAC at a size that a test can afford. */
export function smallSac(): Algorithm {
  const options = { ...sacDefaults, hidden: [24, 24] };
  return sac(options, { observationSize: 5, actionSize: 3, batchSize: 16 });
}

export async function openStep(
  algorithm: Algorithm,
  parameters?: ParameterValues,
  threads = 1,
): Promise<TrainStep> {
  const random = RandomStream.derive(1, "parameters");
  const step = await TrainStep.create(algorithm, { random, threads });
  if (parameters) step.setParameters(parameters);
  return step;
}
