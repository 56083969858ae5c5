import { fromBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  TensorProto_DataType,
  type ValueInfoProto,
} from "onnx-buf";
import type { BindOptions, Buffers, Port, RunnableBinding, RunnableProgram } from "../program.ts";
import {
  binary,
  binaryFunctions,
  broadcastShape,
  type Cell,
  copyPart,
  type Kernel,
  layerNormalization,
  rowProduct,
  sizeOf,
  sumNeighbours,
  unary,
  unaryFunctions,
} from "./kernels.ts";

/**
 * Multiplications of a run up to which it is computed here. ONNX Runtime takes 50 us for a call and its
 * small nodes, these loops about half a nanosecond for a multiplication.
 */
const MOST_MULTIPLICATIONS = 1 << 15;

/**
 * A model of few and small operations, run by loops in this thread instead of ONNX Runtime, whose calls
 * cost more than the arithmetic of a small policy for one observation. Results agree to rounding.
 */
export class DirectProgram implements RunnableProgram {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #graph: GraphProto;

  private constructor(graph: GraphProto) {
    this.inputs = graph.input.map(portOf);
    this.outputs = graph.output.map(portOf);
    this.#graph = graph;
  }

  /**
   * Undefined where the model is too large to gain, leaves a length open, or has an operation that is not
   * known here.
   */
  static from(model: Uint8Array): DirectProgram | undefined {
    const { graph } = fromBinary(ModelProtoSchema, model);
    if (!graph || graph.input.some((input) => portOf(input).size < 0)) return undefined;
    const { isComplete, multiplications } = new Plan(graph, {});
    const gains = isComplete && multiplications <= MOST_MULTIPLICATIONS;
    return gains ? new DirectProgram(graph) : undefined;
  }

  bind({ inputs = {} }: Pick<BindOptions, "inputs"> = {}): RunnableBinding {
    const { cells, kernels } = new Plan(this.#graph, inputs);
    const buffers = (ports: readonly Port[]): Buffers =>
      Object.fromEntries(ports.map(({ name }) => [name, cells.get(name)?.data ?? NOTHING]));
    return {
      inputs: buffers(this.inputs),
      outputs: buffers(this.outputs),
      run: () => {
        for (const kernel of kernels) kernel();
      },
    };
  }

  /** Holds nothing outside the JavaScript heap. */
  async release(): Promise<void> {}
}

const NOTHING = new Float32Array(0);

type Attributes = ReadonlyMap<string, AttributeProto>;

interface Node {
  readonly inputs: readonly Cell[];
  /** Names of the inputs. */
  readonly names: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** Turns nodes into kernels, in their order, until one is not known. */
class Plan {
  readonly cells = new Map<string, Cell>();
  readonly kernels: Kernel[] = [];
  readonly isComplete: boolean;
  multiplications = 0;
  readonly #integers = new Map<string, readonly number[]>();

  constructor(graph: GraphProto, buffers: Readonly<Record<string, Float32Array>>) {
    for (const { name, shape, size } of graph.input.map(portOf)) {
      this.cells.set(name, { shape, data: buffers[name] ?? new Float32Array(size) });
    }
    for (const { name, dims, dataType, rawData } of graph.initializer) {
      const bytes = rawData.slice().buffer;
      if (dataType === TensorProto_DataType.FLOAT) {
        this.cells.set(name, { shape: dims.map(Number), data: new Float32Array(bytes) });
      } else if (dataType === TensorProto_DataType.INT64) {
        this.#integers.set(name, Array.from(new BigInt64Array(bytes), Number));
      }
    }
    this.isComplete =
      graph.node.every((node) => this.#add(node)) &&
      graph.output.every(({ name }) => this.cells.has(name));
  }

  /** False if the node is of a kind that is not known. */
  #add({ opType, input, output, attribute }: NodeProto): boolean {
    const cells = input.map((name) => this.cells.get(name));
    const node: Node = {
      inputs: cells.filter((cell) => cell !== undefined),
      names: input,
      outputs: output,
      attributes: new Map(attribute.map((entry) => [entry.name, entry])),
    };
    // Integers tell shapes and axes; they are not computed with.
    const isNumber = input.every((name, i) => cells[i] !== undefined || this.#integers.has(name));
    return isNumber && (this.#addElementwise(opType, node) || this.#addOther(opType, node));
  }

  #addElementwise(operator: string, { inputs: [a, b], outputs }: Node): boolean {
    const [one, two] = [unaryFunctions[operator], binaryFunctions[operator]];
    if (a && one) this.kernels.push(unary(one, a, this.#output(outputs[0], a.shape)));
    else if (a && b && two) {
      const out = this.#output(outputs[0], broadcastShape(a.shape, b.shape));
      this.kernels.push(binary(two, [a, b], out));
    } else return false;
    return true;
  }

  #addOther(operator: string, node: Node): boolean {
    switch (operator) {
      case "Identity":
      case "Reshape":
        return this.#addView(node);
      case "Gemm":
        return this.#addGemm(node);
      case "ReduceSum":
      case "ReduceMean":
        return this.#addReduction(operator, node);
      case "LayerNormalization":
        return this.#addLayerNormalization(node);
      case "Split":
        return this.#addSplit(node);
      default:
        return false;
    }
  }

  /** The same numbers under another name and shape. */
  #addView({ inputs: [x], names, outputs: [name] }: Node): boolean {
    if (!x || name === undefined) return false;
    const wanted = this.#integers.get(names[1] ?? "") ?? x.shape;
    const lengths = wanted.map((length, i) => (length === 0 ? (x.shape[i] ?? 1) : length));
    const known = sizeOf(lengths.filter((length) => length > 0));
    const shape = lengths.map((length) => (length < 0 ? x.data.length / known : length));
    this.cells.set(name, { shape, data: x.data });
    return true;
  }

  /** alpha and beta are 1: nothing here is traced to others. Source: ONNX, Gemm. */
  #addGemm({ inputs: [a, b, c], outputs, attributes }: Node): boolean {
    if (!(a && b) || attributes.has("alpha") || attributes.has("beta")) return false;
    const [transA, transB] = [flag(attributes, "transA"), flag(attributes, "transB")];
    const [rows = 1, inner = 1] = transA ? a.shape.toReversed() : a.shape;
    const columns = (transB ? b.shape[0] : b.shape[1]) ?? 1;
    const out = this.#output(outputs[0], [rows, columns]);
    const [biasRow, biasStep] = broadcastStrides(c?.shape ?? []);
    const bias = c?.data ?? new Float32Array(1);
    this.multiplications += rows * inner * columns;
    if (columns === 1 && transA) {
      // A^T b is b^T A, whose rows lie together.
      const transposed = { x: b.data, xRow: 0, xStep: 1, w: a.data, inner, columns: rows };
      const added = { bias, biasRow: 0, biasStep: biasRow };
      this.kernels.push(rowProduct({ ...transposed, ...added, out: out.data }));
      return true;
    }
    if (transB) return false;
    const strides = transA ? { xRow: 1, xStep: rows } : { xRow: inner, xStep: 1 };
    const factors = { x: a.data, ...strides, w: b.data, inner, columns };
    this.kernels.push(rowProduct({ ...factors, bias, biasRow, biasStep, out: out.data }));
    return true;
  }

  /** Over the last axes, which are neighbours. */
  #addReduction(operator: string, { inputs: [x], names, outputs, attributes }: Node): boolean {
    if (!x) return false;
    const rank = x.shape.length;
    const all = x.shape.map((_, i) => i);
    const given = this.#integers.get(names[1] ?? "");
    const axes = (given ?? all)
      .map((axis) => (axis < 0 ? axis + rank : axis))
      .sort((p, q) => p - q);
    if (axes.some((axis, i) => axis !== rank - axes.length + i)) return false;
    const kept = x.shape.slice(0, rank - axes.length);
    const length = sizeOf(x.shape.slice(kept.length));
    const ones = flag(attributes, "keepdims", 1) ? axes.map(() => 1) : [];
    const out = this.#output(outputs[0], [...kept, ...ones]);
    const scale = operator === "ReduceMean" ? 1 / length : 1;
    this.kernels.push(sumNeighbours(x, out, { length, scale }));
    return true;
  }

  #addLayerNormalization({ inputs: [x, scale, bias], outputs, attributes }: Node): boolean {
    const axis = Number(attributes.get("axis")?.i ?? -1);
    if (!(x && scale)) return false;
    if (axis !== -1 && axis !== x.shape.length - 1) return false;
    const out = this.#output(outputs[0], x.shape);
    const epsilon = attributes.get("epsilon")?.f ?? 1e-5;
    this.kernels.push(layerNormalization([x, scale, bias], out, epsilon));
    return true;
  }

  #addSplit({ inputs: [x], names, outputs, attributes }: Node): boolean {
    if (!x) return false;
    const rank = x.shape.length;
    const axis = (Number(attributes.get("axis")?.i ?? 0) + rank) % rank;
    const whole = x.shape[axis] ?? 1;
    const equal = outputs.map(() => whole / outputs.length);
    const lengths = this.#integers.get(names[1] ?? "") ?? equal;
    if (lengths.some((length) => !Number.isInteger(length))) return false;
    const neighbours = sizeOf(x.shape.slice(axis + 1));
    let offset = 0;
    for (const [i, length] of lengths.entries()) {
      const out = this.#output(outputs[i], x.shape.with(axis, length));
      const part = { offset, stride: whole * neighbours, length: length * neighbours };
      this.kernels.push(copyPart(x.data, out.data, part));
      offset += part.length;
    }
    return true;
  }

  #output(name: string | undefined, shape: readonly number[]): Cell {
    const cell = { shape, data: new Float32Array(sizeOf(shape)) };
    if (name !== undefined) this.cells.set(name, cell);
    return cell;
  }
}

/** Of a matrix that a tensor of this shape is broadcast to. */
function broadcastStrides(shape: readonly number[]): readonly [row: number, column: number] {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.at(-2) ?? 1;
  return [rows === 1 ? 0 : columns, columns === 1 ? 0 : 1];
}

function flag(attributes: Attributes, name: string, otherwise = 0): boolean {
  return Number(attributes.get(name)?.i ?? otherwise) !== 0;
}

function portOf({ name, type }: ValueInfoProto): Port {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  const shape = (tensor?.shape?.dim ?? []).map(({ value }) =>
    value.case === "dimValue" ? Number(value.value) : -1,
  );
  return { name, shape, size: sizeOf(shape) };
}
