import type { OnnxType } from "../onnx.ts";
import type { Emitter } from "./emitter.ts";

/** A named result in the graph and how it lies in memory. */
export interface Stored {
  readonly name: string;
  /** Axis ids, outermost first. */
  readonly order: readonly number[];
}

/**
 * A tensor in the graph. Its axes have fixed ids; the order in which they lie in memory may stay open
 * until somebody reads it, because a matrix product can be written either way round for free.
 */
export class Value {
  readonly type: OnnxType;
  /** Length of each axis, by id. */
  readonly lengths: readonly number[];
  /** The orders to choose from; one, once settled. */
  readonly #orders: readonly (readonly number[])[];
  readonly #write: (order: readonly number[]) => string;
  #stored: Stored | undefined;

  private constructor(
    type: OnnxType,
    lengths: readonly number[],
    storage: {
      orders: readonly (readonly number[])[];
      write: (order: readonly number[]) => string;
    },
  ) {
    this.type = type;
    this.lengths = lengths;
    this.#orders = storage.orders;
    this.#write = storage.write;
  }

  /** A tensor that exists: row-major, of the given shape. */
  static named(name: string, type: OnnxType, shape: readonly number[]): Value {
    const value = new Value(type, shape, { orders: [shape.map((_, id) => id)], write: () => name });
    value.#stored = { name, order: shape.map((_, id) => id) };
    return value;
  }

  /** A tensor that `write` makes in whichever of `orders` its first reader likes best. */
  static open(
    type: OnnxType,
    lengths: readonly number[],
    storage: {
      orders: readonly (readonly number[])[];
      write: (order: readonly number[]) => string;
    },
  ): Value {
    return new Value(type, lengths, storage);
  }

  get isOpen(): boolean {
    return this.#stored === undefined;
  }

  /** The orders it lies in, or may. */
  get orders(): readonly (readonly number[])[] {
    return this.#stored ? [this.#stored.order] : this.#orders;
  }

  /** Settles the order, as `wanted` if that is possible; axes of length 1 do not matter. */
  store(wanted?: readonly number[]): Stored {
    if (this.#stored) return this.#stored;
    const significant = (order: readonly number[]): string =>
      order.filter((id) => this.lengths[id] !== 1).join();
    const goal = wanted ? significant(wanted) : undefined;
    const order = this.#orders.find((o) => significant(o) === goal) ?? this.#orders[0] ?? [];
    this.#stored = { name: this.#write(order), order };
    return this.#stored;
  }

  /**
   * The name of this tensor with the axes `order` (those of length 1 may be left out), transposed if
   * need be, and its shape as it lies.
   */
  inOrder(emitter: Emitter, order: readonly number[]): { name: string; shape: number[] } {
    const stored = this.store(order);
    const matters = (id: number): boolean => this.lengths[id] !== 1;
    const same = stored.order.filter(matters).join() === order.filter(matters).join();
    if (same) return { name: stored.name, shape: stored.order.map((id) => this.#length(id)) };
    const rest = stored.order.filter((id) => !order.includes(id));
    const target = [...rest, ...order];
    const perm = target.map((id) => stored.order.indexOf(id));
    const [name] = emitter.node("Transpose", [stored.name], { perm });
    return { name, shape: target.map((id) => this.#length(id)) };
  }

  #length(id: number): number {
    return this.lengths[id] ?? 1;
  }
}
