import type { Algorithm, InputSpec } from "../algorithms/algorithm.ts";
import { publishedGroup } from "../algorithms/published-group.ts";
import { compile } from "../compile/compile.ts";
import type { Tensor } from "../compile/tensor.ts";
import { LOG_PROBS, VALUES } from "../config/on-policy.ts";
import { RunError } from "../errors.ts";

/**
 * The ONNX model of an exploring policy for `rows` observations at a time, for actors' threads.
 *
 * Inputs are the policy group's parameters in layout order, `observations`, `noise`, and the policy's
 * settings; the output is `actions`, in [-1, 1], and for an on-policy learner `log_probs` and `values`,
 * and actions may be anywhere. `CompiledPolicy` runs it.
 */
export function compilePolicy(algorithm: Algorithm, rows: number): Uint8Array {
  const { policy } = algorithm;
  const inputs: InputSpec[] = [
    ...publishedGroup(algorithm).parameters.map(({ name, shape }) => ({ name, shape })),
    { name: "observations", shape: [rows, policy.observationSize] },
    { name: "noise", shape: [rows, policy.noiseSize ?? policy.actionSize] },
    ...(policy.settings ?? []),
  ];
  const act = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> => {
    const { observations, noise, ...parameters } = tensors;
    if (!observations || !noise) throw new RunError("INTERNAL", "a policy without its inputs");
    if (!policy.onPolicy) return { actions: policy.sample(parameters, observations, noise) };
    const { actions, logProbs, values } = policy.onPolicy.act(parameters, observations, noise);
    return { actions, [LOG_PROBS]: logProbs, [VALUES]: values };
  };
  return compile(act, { name: `${algorithm.name}.policy`, inputs });
}
