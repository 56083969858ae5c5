import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Policy } from "../algorithms/algorithm.ts";
import { compile } from "../compile/compile.ts";
import type { Tensor } from "../compile/ops.ts";
import { Program } from "../compile/program.ts";
import { RunError } from "../errors.ts";
import { type Normaliser, normalise } from "../math/running-statistics.ts";
import {
  type PolicyShape,
  type PolicyWeights,
  parameterInput,
  splitParameters,
} from "./export-policy.ts";
import { POLICY_INPUT, POLICY_OUTPUT } from "./policy-graph.ts";

/** Largest difference allowed between an exported action and the learner's own, in half ranges. */
const tolerance = 1e-5;

/** Of a policy whose actions jump: observations that rounding may put on the other side, of all. */
const JUMP_SHARE = 0.01;

/**
 * Compares an exported policy with the learner's own way to the same actions: normalisation in
 * TypeScript, the policy compiled with its parameters as inputs, scaling in TypeScript.
 *
 * @param observations Recorded ones, [n, observation size], raw.
 * @returns the largest difference, in units of each action's half range; where actions jump, without the
 *   largest hundredth.
 * @throws RunError INTERNAL when that is above 1e-5 or not a number.
 */
export async function checkExport(
  model: Uint8Array,
  source: PolicyShape & PolicyWeights,
  observations: Float32Array,
): Promise<number> {
  const exported = await runExported(model, source.policy, observations);
  const own = await runOwn(source, observations);
  const { halfRange } = source.scale;
  const differences = new Float64Array(exported.length / halfRange.length);
  for (const [i, action] of exported.entries()) {
    const row = Math.floor(i / halfRange.length);
    const unit = halfRange[i % halfRange.length] ?? 1;
    const difference = Math.abs(action - (own[i] ?? Number.NaN)) / unit;
    differences[row] = Math.max(differences[row] ?? 0, difference);
  }
  const largest = largestOf(differences, source.policy);
  if (largest <= tolerance) return largest;
  throw new RunError(
    "INTERNAL",
    `the exported policy differs from the learner's by ${largest}, more than ${tolerance}`,
  );
}

/** The largest of the rows' differences; of a policy that jumps, without the few that may have jumped. */
function largestOf(differences: Float64Array, { modeJumps = false }: Policy): number {
  if (differences.some(Number.isNaN)) return Number.NaN;
  const jumped = modeJumps ? Math.floor(JUMP_SHARE * differences.length) : 0;
  return differences.toSorted().at(-1 - jumped) ?? 0;
}

async function runExported(
  model: Uint8Array,
  policy: Policy,
  observations: Float32Array,
): Promise<Float32Array> {
  const session = await InferenceSession.create(model);
  try {
    const rows = observations.length / policy.observationSize;
    const input = new OrtTensor("float32", observations, [rows, policy.observationSize]);
    const { [POLICY_OUTPUT]: output } = await session.run({ [POLICY_INPUT]: input });
    return Float32Array.from(output?.data as Float32Array);
  } finally {
    await session.release();
  }
}

async function runOwn(
  source: PolicyShape & PolicyWeights,
  raw: Float32Array,
): Promise<Float32Array> {
  const { policy, group, scale } = source;
  const rows = raw.length / policy.observationSize;
  const inputs = [
    { name: "observations", shape: [rows, policy.observationSize] },
    ...group.parameters.map((spec) => ({ name: parameterInput(spec.name), shape: spec.shape })),
  ];
  const bytes = compile(
    ({ observations, ...parameters }) => {
      const named = group.parameters.map(({ name }) => [name, parameters[parameterInput(name)]]);
      return { actions: policy.mode(Object.fromEntries(named), observations as Tensor) };
    },
    { name: "policy", inputs },
  );
  await using program = await Program.load(bytes);
  const binding = program.bind();
  binding.inputs["observations"]?.set(normalised(source, raw));
  for (const { name, data } of splitParameters(group, source.parameters)) {
    binding.inputs[parameterInput(name)]?.set(data);
  }
  await binding.run();
  const actions = binding.outputs["actions"] ?? new Float32Array();
  return actions.map((action, i) => {
    const at = i % policy.actionSize;
    return (scale.middle[at] ?? 0) + (scale.halfRange[at] ?? 1) * action;
  });
}

function normalised(source: PolicyShape & PolicyWeights, raw: Float32Array): Float32Array {
  const { clip: bound, normalizer, policy } = source;
  if (bound === undefined) return raw;
  const frozen: Normaliser = {
    mean: normalizer.subarray(0, policy.observationSize),
    scale: normalizer.subarray(policy.observationSize),
    clip: bound,
  };
  const rows = new Float32Array(raw.length);
  normalise(frozen, raw, rows);
  return rows;
}
