/** Reading and writing at computed places: jax-js's `gather` and `scatter`. */
import { RunError } from "../../errors.ts";
import { sizeOf } from "../ir.ts";
import type { Emitter } from "./emitter.ts";
import { broadcastView, transposeView } from "./movement.ts";
import { Value } from "./value.ts";
import { readWhole, shapeOf, type View, wholeView } from "./view.ts";

/** Where `indices[k]` runs along axis `axis[k]`, and where their shape enters the result's. */
export interface Selection {
  readonly axis: readonly number[];
  readonly outDim: number;
}

const INT64 = 7;

export function gatherView(
  emitter: Emitter,
  [x, ...indices]: readonly View[],
  { axis, outDim }: Selection,
): View {
  if (!x) throw new Error("nothing to gather from");
  const shape = shapeOf(x);
  const [only] = axis;
  const [index] = indices;
  if (axis.length === 1 && only !== undefined && only === outDim && index) {
    const names = [readWhole(emitter, x), readWhole(emitter, index)];
    const [name] = emitter.node("Gather", names, { axis: only });
    return named(name, x, shape.toSpliced(only, 1, ...shapeOf(index)));
  }
  const rest = shape.flatMap((_, i) => (axis.includes(i) ? [] : [i]));
  const data = readWhole(emitter, transposeView(x, [...axis, ...rest]));
  const { name: places, shape: placesShape } = stackedIndices(emitter, indices);
  const [name] = emitter.node("GatherND", [data, places]);
  const made = named(name, x, [...placesShape, ...rest.map((i) => shape[i] ?? 1)]);
  return moveIndices(made, placesShape.length, outDim);
}

/** Adds updates into zeros; places named twice are added up. */
export function scatterView(
  emitter: Emitter,
  [updates, ...indices]: readonly View[],
  selection: Selection & { readonly op: string; readonly shape: readonly number[] },
): View {
  const { axis, outDim, shape, op } = selection;
  if (!updates || op !== "add") {
    throw new RunError("COMPILE_UNSUPPORTED", `scatter with ${op} cannot be compiled`);
  }
  const rest = shape.flatMap((_, i) => (axis.includes(i) ? [] : [i]));
  const { name: places, shape: placesShape } = stackedIndices(emitter, indices);
  const rank = placesShape.length;
  const shapeLaid = [...axis, ...rest].map((i) => shape[i] ?? 1);
  // Indices first: the inverse of what a gather does to its result.
  const around = rest.map((_, i) => (i < outDim ? i : i + rank));
  const places0 = placesShape.map((_, i) => outDim + i);
  const values = readWhole(emitter, transposeView(updates, [...places0, ...around]));
  const zeros = emitter.constant(
    updates.type,
    shapeLaid,
    Array.from({ length: sizeOf(shapeLaid) }, () => 0),
  );
  const [name] = emitter.node("ScatterND", [zeros, places, values], { reduction: "add" });
  const back = shape.map((_, i) => {
    const at = axis.indexOf(i);
    return at >= 0 ? at : axis.length + rest.indexOf(i);
  });
  return transposeView(named(name, updates, shapeLaid), back);
}

/** Masses at real positions, shared by the cells on both sides: `deposit` of ops.ts, [n, m]. */
export function depositView(emitter: Emitter, [mass, positions]: readonly View[]): View {
  if (!(mass && positions)) throw new Error("a deposit has two operands");
  const shape = shapeOf(mass);
  const [rows = 1, cells = 1] = shape;
  if (emitter.isOpen(rows)) emitter.refuseOpen("a deposit");
  const masses = readWhole(emitter, mass);
  const places = readWhole(emitter, positions);
  const [floor] = emitter.node("Floor", [places]);
  const [above] = emitter.node("Mul", [masses, ...emitter.node("Sub", [places, floor])]);
  const [below] = emitter.node("Sub", [masses, above]);
  const [lower] = emitter.node("Cast", [floor], { to: INT64 });
  const [next] = emitter.node("Add", [lower, emitter.scalar("int64", 1)]);
  // At the last cell the share of the one after it is 0.
  const [upper] = emitter.node("Min", [next, emitter.scalar("int64", cells - 1)]);
  const zeros = emitter.constant("float32", shape, new Array<number>(rows * cells).fill(0));
  const add = { axis: 1, reduction: "add" };
  const [half] = emitter.node("ScatterElements", [zeros, lower, below], add);
  const [name] = emitter.node("ScatterElements", [half, upper, above], add);
  return named(name, mass, shape);
}

/** [..., k]: the k indices of each place, as int64. */
function stackedIndices(
  emitter: Emitter,
  indices: readonly View[],
): { name: string; shape: number[] } {
  const shape = indices.map(shapeOf).reduce(broadcastShapes, []);
  const columns = indices.map((index) => {
    const full = broadcastView(withLeading(index, shape.length), shape, []);
    const [wide] = emitter.node("Cast", [readWhole(emitter, full)], { to: INT64 });
    return emitter.reshape(wide, shape, [...shape, 1]);
  });
  const [first] = columns;
  if (!first) throw new Error("no indices");
  if (columns.length === 1) return { name: first, shape };
  return { name: emitter.node("Concat", columns, { axis: shape.length })[0], shape };
}

function withLeading(view: View, rank: number): View {
  const missing = Array.from({ length: rank - view.axes.length }, () => []);
  return { ...view, axes: [...missing, ...view.axes] };
}

function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) =>
    Math.max(a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1),
  );
}

function named(name: string, like: View, shape: readonly number[]): View {
  return wholeView(Value.named(name, like.type, shape));
}

/** Moves the leading `count` axes, those of the indices, behind `outDim` others. */
function moveIndices(view: View, count: number, outDim: number): View {
  const moved = Array.from({ length: count }, (_, i) => i);
  const others = view.axes.map((_, i) => i).slice(count);
  return transposeView(view, others.toSpliced(outDim, 0, ...moved));
}
