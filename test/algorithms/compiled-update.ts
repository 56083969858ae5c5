import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { type StepResult, TrainStep } from "../../src/compile/train-step.ts";
import { RandomStream } from "../../src/math/random.ts";
import type { UpdateTrace } from "./update-trace.ts";

/** The compiled update, on one thread, from the given parameters. */
export async function compileUpdate(
  algorithm: Algorithm,
  parameters: ParameterValues,
): Promise<TrainStep> {
  const step = await TrainStep.create(algorithm, { random: RandomStream.derive(0), threads: 1 });
  step.setParameters(parameters);
  return step;
}

/** The state after an update that returned `result`. */
export function traceCompiled(step: TrainStep, result: StepResult): UpdateTrace {
  const state = { parameters: {}, first: {}, second: {} } as Record<string, ParameterValues>;
  for (const [path, tensor] of Object.entries(step.exportState())) {
    const [part = "", group = "", name = ""] = path.split("/");
    const groups = state[part];
    if (groups === undefined || !(tensor.data instanceof Float32Array)) continue;
    groups[group] = { ...groups[group], [name]: tensor.data };
  }
  return {
    metrics: { ...result.metrics },
    perSample: structuredClone(result.perSample),
    parameters: state["parameters"] ?? {},
    first: state["first"] ?? {},
    second: state["second"] ?? {},
  };
}
