import type { Algorithm, InputSpec } from "../algorithms/algorithm.ts";
import { compile } from "../compile/compile.ts";
import type { Tensor } from "../compile/tensor.ts";
import { RunError } from "../errors.ts";

/** A policy's ways to act. */
export type PolicyKind = "sample" | "mode";

/**
 * The ONNX model of a policy for `rows` observations at a time.
 *
 * Inputs are the policy group's parameters in layout order, then `observations` and, to sample, `noise`;
 * the output is `actions`. `CompiledPolicy` runs it.
 */
export function compilePolicy(algorithm: Algorithm, kind: PolicyKind, rows: number): Uint8Array {
  const { policy } = algorithm;
  const group = algorithm.groups.find(({ name }) => name === policy.group);
  if (!group) throw new RunError("INTERNAL", `${algorithm.name} has no group ${policy.group}`);
  const observations: InputSpec = { name: "observations", shape: [rows, policy.observationSize] };
  const noise: InputSpec = { name: "noise", shape: [rows, policy.actionSize] };
  const act = (inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> => {
    const { observations: seen, noise: drawn, ...parameters } = inputs;
    if (!seen) throw new RunError("INTERNAL", "a policy without observations");
    if (!drawn) return { actions: policy.mode(parameters, seen) };
    return { actions: policy.sample(parameters, seen, drawn) };
  };
  return compile(act, {
    name: `${algorithm.name}.policy.${kind}`,
    inputs: [
      ...group.parameters.map(({ name, shape }) => ({ name, shape })),
      observations,
      ...(kind === "sample" ? [noise] : []),
    ],
  });
}
