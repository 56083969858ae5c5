import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
} from "onnx-buf";

/** The one input that takes the place of all parameters. */
export const PACKED = "parameters";

/**
 * A policy program whose parameters are one flat input, in their order, taken apart inside. Handing a
 * tensor over costs some microseconds, which for small networks is more than their arithmetic; for large ones
 * the copy inside would cost more than that, and they stay as they are.
 *
 * @param isParameter Tells the inputs that are parameters.
 */
export function packParameters(
  program: Uint8Array,
  isParameter: (name: string) => boolean,
): Uint8Array {
  const model = fromBinary(ModelProtoSchema, program);
  const { graph } = model;
  const inputs = graph?.input.filter(({ name }) => isParameter(name)) ?? [];
  const shapes = inputs.map(shapeOf);
  const sizes = shapes.map((shape) => shape.reduce((product, length) => product * length, 1));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const [first] = inputs;
  if (!graph || !first || inputs.length < 2 || total > MOST_NUMBERS) return program;
  graph.input = graph.input.filter(({ name }) => !isParameter(name));
  graph.input.push(renamed(first, total));
  graph.initializer.push(integers(`${PACKED}.sizes`, sizes));
  const flat = (name: string): string => `${name}.flat`;
  const axis = { name: "axis", type: AttributeProto_AttributeType.INT, i: 0n };
  const split = create(NodeProtoSchema, {
    opType: "Split",
    input: [PACKED, `${PACKED}.sizes`],
    output: inputs.map(({ name }) => flat(name)),
    attribute: [create(AttributeProtoSchema, axis)],
  });
  const reshapes = inputs.map(({ name }, i): NodeProto => {
    graph.initializer.push(integers(`${name}.shape`, shapes[i] ?? []));
    const input = [flat(name), `${name}.shape`];
    return create(NodeProtoSchema, { opType: "Reshape", input, output: [name] });
  });
  graph.node.unshift(split, ...reshapes);
  return toBinary(ModelProtoSchema, model);
}

/** Float32 numbers up to which a copy is cheaper than tensors of their own. */
const MOST_NUMBERS = 1 << 15;

function shapeOf({ type }: ValueInfoProto): readonly number[] {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  return (tensor?.shape?.dim ?? []).map(({ value }) =>
    value.case === "dimValue" ? Number(value.value) : 1,
  );
}

/** A copy of an input as a flat vector under the common name. */
function renamed(input: ValueInfoProto, length: number): ValueInfoProto {
  const { type } = input;
  if (type?.value.case === "tensorType" && type.value.value.shape) {
    const [dimension] = type.value.value.shape.dim;
    if (dimension) dimension.value = { case: "dimValue", value: BigInt(length) };
    type.value.value.shape.dim.length = 1;
  }
  return { ...input, name: PACKED };
}

function integers(name: string, values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: TensorProto_DataType.INT64,
    rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
  });
}
