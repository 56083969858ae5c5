import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
import { type StepResult, TrainStep } from "../../src/compile/train-step.ts";
import { RandomStream } from "../../src/math/random.ts";
import type { UpdateTrace } from "../algorithms/update-trace.ts";

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

/** What a compiled update left behind, in the reference's form. */
export function traceStep(step: TrainStep, result: StepResult): UpdateTrace {
  const state = Object.entries(step.exportState());
  const part = (wanted: string): ParameterValues => {
    const values: ParameterValues = {};
    for (const [path, { data }] of state) {
      const [kind, group = "", ...name] = path.split("/");
      if (kind !== wanted) continue;
      values[group] ??= {};
      values[group][name.join("/")] = Float32Array.from(data);
    }
    return values;
  };
  return {
    metrics: { ...result.metrics },
    perSample: structuredClone(result.perSample),
    parameters: part("parameters"),
    first: part("first"),
    second: part("second"),
  };
}
