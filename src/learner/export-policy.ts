import { clone, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import type {
  Chooser,
  InputSpec,
  ParameterGroup,
  Parameters,
  Policy,
} from "../algorithms/algorithm.ts";
import { compile } from "../compile/compile.ts";
import { add, clip, mul, sub, type Tensor } from "../compile/ops.ts";
import { POLICY_INPUT, POLICY_NOISE, POLICY_OUTPUT } from "./policy-graph.ts";

/** A policy apart from its weights. */
export interface PolicyShape {
  readonly policy: Policy;
  /** What is published of the algorithm's groups. */
  readonly group: ParameterGroup;
  /** From actions in [-1, 1] to the environment's: `middle + halfRange * action`, each [action size]. */
  readonly scale: { readonly middle: Float32Array; readonly halfRange: Float32Array };
  /** Bound on normalised observations; undefined when observations are used raw. */
  readonly clip: number | undefined;
  /** Acts in place of the policy's mode, on the groups that `group` joins. */
  readonly chooser?: Chooser;
}

/** The group's parameters of several groups one after another, by `group/name`. */
export function joinGroups(groups: readonly ParameterGroup[]): ParameterGroup {
  return {
    name: groups.map(({ name }) => name).join("+"),
    parameters: groups.flatMap((group) =>
      group.parameters.map((spec) => ({ ...spec, name: `${group.name}/${spec.name}` })),
    ),
  };
}

/** The policy's weights at one learner step. */
export interface PolicyWeights {
  /** The group's parameters one after another, in its order. */
  readonly parameters: Float32Array;
  /** [2, observation size]: mean, then scale. Not used when the shape has no `clip`. */
  readonly normalizer: Float32Array;
}

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
      ...(shape.chooser
        ? [{ name: POLICY_NOISE, shape: [batchStandIn, shape.chooser.noiseSize] }]
        : []),
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
  const { chooser } = shape;
  const action = chooser
    ? chooser.choose(byGroup(parameters), observations, input(POLICY_NOISE))
    : shape.policy.mode(parameters, observations);
  return add(mul(action, input("halfRange")), input("middle"));
}

/** What `joinGroups` has joined, apart again. */
function byGroup(parameters: Parameters): Readonly<Record<string, Parameters>> {
  const groups: Record<string, Record<string, Tensor>> = {};
  for (const [path, tensor] of Object.entries(parameters)) {
    const cut = path.indexOf("/");
    const group = path.slice(0, cut);
    groups[group] = { ...groups[group], [path.slice(cut + 1)]: tensor };
  }
  return groups;
}

/** The name of a parameter as an input: apart from the names that the graph itself uses. */
export function parameterInput(name: string): string {
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

/** Flat parameters one after another, as `joinGroups` joins their groups. */
export function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((size, { length }) => size + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

interface NamedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The named parameters in a flat array. @throws RangeError when the flat parameters are not exactly the group's. */
export function splitParameters(group: ParameterGroup, flat: Float32Array): NamedParameter[] {
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
