/** Writes ONNX models: a thin builder over the format's protobuf schema. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_SequenceSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";

export type OnnxType = "float32" | "int32" | "int64" | "bool";

/** A length, or the name of one that is known only at run time. */
export type Dimension = number | string;

export interface OnnxPort {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly Dimension[];
}

export type Attribute = number | readonly number[] | { readonly float: number } | string;

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Operator set; empty for the standard one. */
  readonly domain?: string;
}

const DATA_TYPES: Record<OnnxType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

/** ONNX's own number for an element type, as `Cast` wants it. */
export function dataType(type: OnnxType): number {
  return DATA_TYPES[type];
}

export interface SerializeOptions {
  /** Leaves inputs out that no output depends on. */
  readonly omitUnusedInputs?: boolean;
  /** Name of a first output that is no tensor; see `Program`. */
  readonly barrier?: string;
}

// Operator set 21 is the newest that every provider of onnxruntime 1.30 runs; 10 is its IR version.
const OPERATOR_SET = 21n;
const IR_VERSION = 10n;
/** The operator set of ONNX Runtime itself. */
export const CONTRIB_DOMAIN = "com.microsoft";

/** Collects nodes and constants, then serialises them. Names are unique within one graph. */
export class OnnxGraph {
  readonly #nodes: NodeProto[] = [];
  readonly #constants = new Map<string, TensorProto>();
  #next = 0;

  /** A name that nothing else in this graph has. */
  freshName(hint: string): string {
    this.#next += 1;
    return `${hint}_${this.#next}`;
  }

  /** Adds a node and returns the names of its outputs, one unless `outputs` says otherwise. */
  add(node: OnnxNode, outputs = 1): [string, ...string[]] {
    const first = this.freshName(node.operator);
    const names: [string, ...string[]] = [first];
    for (let i = 1; i < outputs; i++) names.push(`${first}.${i}`);
    this.addNamed(node, names);
    return names;
  }

  /** Adds a node whose outputs have the given names. */
  addNamed(node: OnnxNode, outputs: readonly string[]): void {
    const attributes = Object.entries(node.attributes ?? {});
    this.#nodes.push(
      create(NodeProtoSchema, {
        name: outputs[0] ?? "",
        opType: node.operator,
        domain: node.domain ?? "",
        input: [...node.inputs],
        output: [...outputs],
        attribute: attributes.map(([name, value]) => attribute(name, value)),
      }),
    );
  }

  /** The name of a constant tensor; equal constants share one. */
  constant(type: OnnxType, shape: readonly number[], values: readonly number[]): string {
    const key = `${type}[${shape.join()}]${values.map((v) => (Object.is(v, -0) ? "-0" : v)).join()}`;
    const known = this.#constants.get(key);
    if (known) return known.name;
    const proto = create(TensorProtoSchema, {
      name: this.freshName("constant"),
      dims: shape.map(BigInt),
      dataType: DATA_TYPES[type],
      rawData: rawBytes(type, values),
    });
    this.#constants.set(key, proto);
    return proto.name;
  }

  serialize(
    inputs: readonly OnnxPort[],
    outputs: readonly OnnxPort[],
    options: SerializeOptions = {},
  ): Uint8Array {
    const nodes = liveNodes(this.#nodes, outputs);
    const used = new Set(nodes.flatMap((node) => node.input));
    const barrier = options.barrier === undefined ? [] : [options.barrier];
    for (const name of barrier) nodes.push(sequenceNode(name));
    const read = options.omitUnusedInputs ? inputs.filter(({ name }) => used.has(name)) : inputs;
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: "troupe",
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: "", version: OPERATOR_SET }),
        create(OperatorSetIdProtoSchema, { domain: CONTRIB_DOMAIN, version: 1n }),
      ],
      graph: create(GraphProtoSchema, {
        name: "troupe",
        node: nodes,
        initializer: [...this.#constants.values()].filter((c) => used.has(c.name)),
        input: read.map(valueInfo),
        output: [...barrier.map(sequenceInfo), ...outputs.map(valueInfo)],
      }),
    });
    return toBinary(ModelProtoSchema, model);
  }
}

/** The nodes that outputs depend on. */
function liveNodes(nodes: readonly NodeProto[], outputs: readonly OnnxPort[]): NodeProto[] {
  const live = new Set(outputs.map((port) => port.name));
  return nodes
    .toReversed()
    .filter((node) => {
      const isLive = node.output.some((name) => live.has(name));
      if (isLive) for (const name of node.input) live.add(name);
      return isLive;
    })
    .reverse();
}

function sequenceNode(name: string): NodeProto {
  return create(NodeProtoSchema, { name, opType: "SequenceEmpty", output: [name] });
}

function sequenceInfo(name: string): ValueInfoProto {
  const tensor = create(TypeProto_TensorSchema, { elemType: DATA_TYPES.float32 });
  const elemType = create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } });
  const sequence = create(TypeProto_SequenceSchema, { elemType });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "sequenceType", value: sequence } }),
  });
}

function rawBytes(type: OnnxType, values: readonly number[]): Uint8Array<ArrayBuffer> {
  switch (type) {
    case "float32":
      return new Uint8Array(Float32Array.from(values).buffer);
    case "int32":
      return new Uint8Array(Int32Array.from(values).buffer);
    case "int64":
      return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    case "bool":
      return Uint8Array.from(values);
    default:
      return type satisfies never;
  }
}

function attribute(name: string, value: Attribute): AttributeProto {
  const types = AttributeProto_AttributeType;
  if (typeof value === "number") {
    return create(AttributeProtoSchema, { name, type: types.INT, i: BigInt(value) });
  }
  if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: types.STRING, s: bytes });
  }
  if ("float" in value) {
    return create(AttributeProtoSchema, { name, type: types.FLOAT, f: value.float });
  }
  return create(AttributeProtoSchema, { name, type: types.INTS, ints: value.map(BigInt) });
}

function valueInfo(port: OnnxPort): ValueInfoProto {
  const dim = port.shape.map((length) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof length === "number"
          ? { case: "dimValue", value: BigInt(length) }
          : { case: "dimParam", value: length },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: DATA_TYPES[port.type],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name: port.name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}
