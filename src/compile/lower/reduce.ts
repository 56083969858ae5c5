import { literal } from "../ir.ts";
import { elementwise, elementwiseWriter } from "./elementwise.ts";
import type { Emitter } from "./emitter.ts";
import { Value } from "./value.ts";
import { type Axis, literalView, type Part, shapeOf, type View } from "./view.ts";

/** As jax-js has them, and the mean that simplify.ts makes of a sum. */
export type Reduction = "Add" | "Max" | "Min" | "Mul" | "Mean";

const OPERATORS: Readonly<Record<Reduction, string>> = {
  Add: "ReduceSum",
  Max: "ReduceMax",
  Min: "ReduceMin",
  Mul: "ReduceProd",
  Mean: "ReduceMean",
};

/** From this many rows on, a column sum is cheaper as a product with a row of ones. */
const ONES_PRODUCT_ROWS = 8;

/**
 * Reduces logical axes away. Over a repetition nothing is summed: the sum is multiplied instead, and
 * a maximum stays what it is.
 */
export function reduceView(
  emitter: Emitter,
  view: View,
  reduction: { readonly op: Reduction; readonly axis: readonly number[] },
): View {
  const { op, axis: reduced } = reduction;
  const lengths = shapeOf(view);
  if (reduced.some((i) => emitter.isOpen(lengths[i] ?? 1))) {
    emitter.refuseOpen("a reduction over the batch");
  }
  const gone = reduced.flatMap((i) => view.axes[i] ?? []);
  const kept = view.axes.filter((_, i) => !reduced.includes(i));
  const copies = gone.filter((part) => part.axis === null).map((part) => part.length);
  const ids = gone.flatMap((part) => (part.axis === null ? [] : [part.axis]));
  const summed = sumAxes(emitter, { ...view, axes: kept }, { op, ids });
  if (copies.length === 0 || (op !== "Add" && op !== "Mul")) return summed;
  const count = emitter.count(copies);
  if (op === "Mul") throw new Error("a product over repetitions");
  return scaled(emitter, summed, count);
}

/** The view times a number. */
export function scaled(emitter: Emitter, view: View, factor: number): View {
  if (factor === 1) return view;
  if (typeof view.source === "number") {
    const { value } = literal(view.source * factor, [], "float32");
    return literalView(value, view.type, shapeOf(view));
  }
  const write = elementwiseWriter("mul", {}, view.type);
  if (!write) throw new Error("no product");
  return elementwise(emitter, [view, literalView(factor, view.type, [])], {
    type: view.type,
    write,
  });
}

/** Reduces axes of the view's value that no logical axis mentions any more. */
function sumAxes(
  emitter: Emitter,
  view: View,
  { op, ids }: { readonly op: Reduction; readonly ids: readonly number[] },
): View {
  const { source } = view;
  if (typeof source === "number" || ids.length === 0) return view;
  const { name, order } = source.store(preferredOrder(source, ids));
  const lengths = order.map((id) => source.lengths[id] ?? 1);
  const remaining = order.filter((id) => !ids.includes(id));
  const shape = remaining.map((id) => source.lengths[id] ?? 1);
  const made = asOnesProduct(emitter, { op, view, name, lengths, rows: leading(order, ids) });
  const result =
    made ?? reduceNode(emitter, { op, view, name, positions: ids.map((id) => order.indexOf(id)) });
  const value = Value.named(
    made ? emitter.reshape(made, flat(shape), shape) : result,
    view.type,
    shape,
  );
  const axes = view.axes.map(
    (axis): Axis =>
      axis.map(
        (part): Part => ({
          ...part,
          axis: part.axis === null ? null : remaining.indexOf(part.axis),
        }),
      ),
  );
  return { source: value, type: view.type, axes, exclusive: false };
}

const flat = (shape: readonly number[]): number[] => [shape.reduce((a, b) => a * b, 1)];

/** Of the orders a value may take, one with the reduced axes outermost, if there is one. */
function preferredOrder(value: Value, ids: readonly number[]): readonly number[] | undefined {
  return value.orders.find((order) => leading(order, ids) === ids.length);
}

/** How many of the outermost axes are reduced, if those are all. */
function leading(order: readonly number[], ids: readonly number[]): number {
  const first = order.findIndex((id) => !ids.includes(id));
  const count = first < 0 ? order.length : first;
  return ids.every((id) => order.indexOf(id) < count) ? count : -1;
}

function asOnesProduct(
  emitter: Emitter,
  source: {
    readonly op: Reduction;
    readonly view: View;
    readonly name: string;
    readonly lengths: readonly number[];
    readonly rows: number;
  },
): string | undefined {
  const { op, view, name, lengths, rows } = source;
  if (op !== "Add" || view.type !== "float32" || rows <= 0 || rows === lengths.length) {
    return undefined;
  }
  const height = lengths.slice(0, rows).reduce((a, b) => a * b, 1);
  const width = lengths.slice(rows).reduce((a, b) => a * b, 1);
  if (
    height < ONES_PRODUCT_ROWS ||
    width === 1 ||
    emitter.isOpen(height) ||
    emitter.isOpen(width)
  ) {
    return undefined;
  }
  const ones = emitter.constant(
    "float32",
    [height],
    Array.from({ length: height }, () => 1),
  );
  return emitter.node("MatMul", [ones, emitter.reshape(name, lengths, [height, width])])[0];
}

function reduceNode(
  emitter: Emitter,
  source: {
    readonly op: Reduction;
    readonly view: View;
    readonly name: string;
    readonly positions: readonly number[];
  },
): string {
  const { op, view, name, positions } = source;
  const axes = emitter.integers(positions.toSorted((a, b) => a - b));
  // ONNX does not reduce bools: any is the largest, all the smallest, of zeros and ones.
  if (view.type === "bool") {
    const [numbers] = emitter.node("Cast", [name], { to: INT32 });
    const operator = op === "Add" || op === "Max" ? OPERATORS.Max : OPERATORS.Min;
    const [reduced] = emitter.node(operator, [numbers, axes], { keepdims: 0 });
    return emitter.node("Cast", [reduced], { to: BOOL })[0];
  }
  return emitter.node(OPERATORS[op], [name, axes], { keepdims: 0 })[0];
}

const INT32 = 6;
const BOOL = 9;
