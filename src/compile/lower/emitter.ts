import { RunError } from "../../errors.ts";
import { sameShape, sizeOf } from "../ir.ts";
import {
  type Attribute,
  CONTRIB_DOMAIN,
  type Dimension,
  OnnxGraph,
  type OnnxNode,
  type OnnxPort,
  type OnnxType,
  type SerializeOptions,
} from "../onnx.ts";
import { KEPT_ROWS } from "../split-rows.ts";

/** A batch length left open: traced with the stand-in `size`, written as `name`. */
export interface SymbolicLength {
  readonly name: string;
  /** A prime that no other length is a multiple of. */
  readonly size: number;
}

/** Adds nodes to a graph, equal ones once, and knows the operators that every lowering needs. */
export class Emitter {
  readonly #graph = new OnnxGraph();
  readonly #known = new Map<string, [string, ...string[]]>();
  /** What a reshaped tensor was before. */
  readonly #reshaped = new Map<
    string,
    { readonly name: string; readonly shape: readonly number[] }
  >();
  readonly #symbolic: SymbolicLength | undefined;

  constructor(symbolic?: SymbolicLength) {
    this.#symbolic = symbolic;
  }

  /** The output of the node with this operator, these inputs and attributes. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): [string, ...string[]] {
    return this.nodes(1, { operator, inputs, attributes });
  }

  /** All outputs of a node that has several. */
  nodes(outputs: number, node: Omit<OnnxNode, "domain">): [string, ...string[]] {
    const { operator, inputs, attributes = {} } = node;
    const key = `${operator}(${inputs.join()})${JSON.stringify(attributes)}`;
    const known = this.#known.get(key);
    if (known) return known;
    const domain = operator === "FusedMatMul" ? CONTRIB_DOMAIN : "";
    const names = this.#graph.add({ ...node, domain }, outputs);
    this.#known.set(key, names);
    return names;
  }

  constant(type: OnnxType, shape: readonly number[], values: readonly number[]): string {
    return this.#graph.constant(type, shape, values);
  }

  scalar(type: OnnxType, value: number): string {
    return this.constant(type, [], [value]);
  }

  integers(values: readonly number[]): string {
    return this.constant("int64", [values.length], values);
  }

  /** Gives `name` a new shape of the same size; a reshape of a reshape is one. */
  reshape(name: string, from: readonly number[], to: readonly number[]): string {
    if (sameShape(from, to)) return name;
    const origin = this.#reshaped.get(name);
    if (origin) return this.reshape(origin.name, origin.shape, to);
    const made = this.#reshapeNode(name, to);
    this.#reshaped.set(made, { name, shape: from });
    return made;
  }

  #reshapeNode(name: string, to: readonly number[]): string {
    return this.node("Reshape", [name, this.integers(to.map((n) => this.#concrete(n)))])[0];
  }

  /** Repeats axes of length 1. */
  expand(name: string, from: readonly number[], to: readonly number[]): string {
    if (sameShape(from, to)) return name;
    if (to.some((n) => this.#concrete(n) === -1)) this.refuseOpen("a broadcast over the batch");
    return this.node("Expand", [name, this.integers(to)])[0];
  }

  /** Whether a number counts elements of the axis whose length is left open. */
  isOpen(length: number): boolean {
    const standIns = [KEPT_ROWS, ...(this.#symbolic ? [this.#symbolic.size] : [])];
    return length > 0 && standIns.some((size) => length % size === 0);
  }

  refuseOpen(what: string): never {
    throw new RunError("COMPILE_UNSUPPORTED", `${what} cannot be compiled for an open batch size`);
  }

  /** The elements of `shape` as a plain number. */
  count(shape: readonly number[]): number {
    const size = sizeOf(shape);
    if (this.isOpen(size)) this.refuseOpen("a count of batch elements");
    return size;
  }

  /** The bytes of the graph; `outputs` are given their names here. */
  serialize(
    inputs: readonly OnnxPort[],
    outputs: readonly { readonly port: OnnxPort; readonly from: string }[],
    options: SerializeOptions,
  ): Uint8Array {
    for (const { port, from } of outputs) {
      this.#graph.addNamed({ operator: "Identity", inputs: [from] }, [port.name]);
    }
    const opened = (port: OnnxPort): OnnxPort => ({
      ...port,
      shape: port.shape.map((length): Dimension => this.#port(length)),
    });
    return this.#graph.serialize(
      inputs.map(opened),
      outputs.map(({ port }) => opened(port)),
      options,
    );
  }

  #port(length: Dimension): Dimension {
    return length === this.#symbolic?.size ? this.#symbolic.name : length;
  }

  #concrete(length: number): number {
    return this.isOpen(length) ? -1 : length;
  }
}
