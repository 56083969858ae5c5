import { clone, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { InputSpec, ParameterGroup, Policy } from "../algorithms/algorithm.ts";
import { compile } from "../compile/compile.ts";
import { add, clip, mul, sub, type Tensor } from "../compile/ops.ts";
import { Program } from "../compile/program.ts";
import { RunError } from "../errors.ts";
import { type Normaliser, normalise } from "../math/running-statistics.ts";

/** Names of the exported graph's ends; an observation has one part, so it has one input. */
export const POLICY_INPUT = "observation";
export const POLICY_OUTPUT = "action";

/** A policy apart from its weights. */
export interface PolicyShape {
  readonly policy: Policy;
  /** The group that `policy.group` names. */
  readonly group: ParameterGroup;
  /** From actions in [-1, 1] to the environment's: `middle + halfRange * action`, each [action size]. */
  readonly scale: { readonly middle: Float32Array; readonly halfRange: Float32Array };
  /** Bound on normalised observations; undefined when observations are used raw. */
  readonly clip: number | undefined;
}

/** The policy's weights at one learner step. */
export interface PolicyWeights {
  /** The group's parameters one after another, in its order. */
  readonly parameters: Float32Array;
  /** [2, observation size]: mean, then scale. Not used when the shape has no `clip`. */
  readonly normalizer: Float32Array;
}

/** Largest difference allowed between an exported action and the learner's own, in half ranges. */
const tolerance = 1e-5;
/** Stands for the open batch length while the graph is traced; no layer has a multiple of it. */
const batchStandIn = 99_991;

/**
 * Writes a policy as one ONNX graph that needs nothing of us to run:
 *
 *     action = middle + halfRange * mode(clip((observation - mean) * scale))
 *
 * with `observation` [N, observation size] raw, `action` [N, action size] in the environment's units,
 * and the weights inside. The graph is compiled once; each `encode` only fills the weights in.
 */
export class PolicyExporter {
  readonly #shape: PolicyShape;
  readonly #model: ModelProto;

  /** @throws RunError COMPILE_UNSUPPORTED if the policy cannot be a graph with an open batch length. */
  constructor(shape: PolicyShape) {
    this.#shape = shape;
    const { policy, group } = shape;
    const vector = (name: string, size: number): InputSpec => ({ name, shape: [size] });
    const inputs: InputSpec[] = [
      { name: POLICY_INPUT, shape: [batchStandIn, policy.observationSize] },
      ...group.parameters.map((spec) => ({ name: parameterInput(spec.name), shape: spec.shape })),
      vector("middle", policy.actionSize),
      vector("halfRange", policy.actionSize),
      ...(shape.clip === undefined
        ? []
        : [vector("mean", policy.observationSize), vector("scale", policy.observationSize)]),
    ];
    const bytes = compile((tensors) => ({ [POLICY_OUTPUT]: environmentAction(shape, tensors) }), {
      name: "policy",
      inputs,
      symbolic: { name: "N", size: batchStandIn },
    });
    this.#model = fromBinary(ModelProtoSchema, bytes);
  }

  /** @param metadata Added to the model's properties, e.g. the environment's id. */
  encode(weights: PolicyWeights, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    const model = clone(ModelProtoSchema, this.#model);
    const { graph } = model;
    if (!graph) throw new Error("a compiled model has a graph");
    const values = this.#values(weights);
    const read = new Set(graph.node.flatMap((node) => node.input));
    for (const { name } of graph.input) {
      const tensor = values.get(name);
      if (tensor && read.has(name)) graph.initializer.push(tensor);
    }
    graph.input = graph.input.filter(({ name }) => !values.has(name));
    for (const [key, value] of Object.entries(metadata)) {
      model.metadataProps.push(create(StringStringEntryProtoSchema, { key, value }));
    }
    return toBinary(ModelProtoSchema, model);
  }

  #values({ parameters, normalizer }: PolicyWeights): Map<string, TensorProto> {
    const { policy, scale } = this.#shape;
    const { observationSize, actionSize } = policy;
    const tensors = [
      ...splitParameters(this.#shape.group, parameters).map(({ name, shape, data }) =>
        initializer(parameterInput(name), shape, data),
      ),
      initializer("middle", [actionSize], scale.middle),
      initializer("halfRange", [actionSize], scale.halfRange),
      initializer("mean", [observationSize], normalizer.subarray(0, observationSize)),
      initializer("scale", [observationSize], normalizer.subarray(observationSize)),
    ];
    return new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }
}

function environmentAction(shape: PolicyShape, tensors: Readonly<Record<string, Tensor>>): Tensor {
  const input = (name: string): Tensor => {
    const tensor = tensors[name];
    if (!tensor) throw new Error(`no input ${name}`);
    return tensor;
  };
  const parameters = Object.fromEntries(
    shape.group.parameters.map(({ name }) => [name, input(parameterInput(name))]),
  );
  const raw = input(POLICY_INPUT);
  const bound = shape.clip;
  const observations =
    bound === undefined ? raw : clip(mul(sub(raw, input("mean")), input("scale")), -bound, bound);
  const action = shape.policy.mode(parameters, observations);
  return add(mul(action, input("halfRange")), input("middle"));
}

/** Apart from the names that the graph itself uses. */
function parameterInput(name: string): string {
  return `parameters/${name}`;
}

function initializer(name: string, shape: readonly number[], data: Float32Array): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: TensorProto_DataType.FLOAT,
    // A copy: the learner goes on writing into its own.
    rawData: new Uint8Array(data.slice().buffer),
  });
}

interface NamedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** @throws RangeError when the flat parameters are not exactly the group's. */
function splitParameters(group: ParameterGroup, flat: Float32Array): NamedParameter[] {
  let offset = 0;
  const parts = group.parameters.map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const data = flat.subarray(offset, offset + size);
    offset += size;
    return { name, shape, data };
  });
  if (offset === flat.length) return parts;
  throw new RangeError(`${flat.length} parameters for ${group.name}, which has ${offset}`);
}

/**
 * Compares an exported policy with the learner's own way to the same actions: normalisation in
 * TypeScript, the policy compiled with its parameters as inputs, scaling in TypeScript.
 *
 * @param observations Recorded ones, [n, observation size], raw.
 * @returns the largest difference, in units of each action's half range.
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
  let largest = 0;
  for (const [i, action] of exported.entries()) {
    const unit = halfRange[i % halfRange.length] ?? 1;
    const difference = Math.abs(action - (own[i] ?? Number.NaN)) / unit;
    if (!(difference <= largest)) largest = difference;
  }
  if (largest <= tolerance) return largest;
  throw new RunError(
    "INTERNAL",
    `the exported policy differs from the learner's by ${largest}, more than ${tolerance}`,
  );
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
