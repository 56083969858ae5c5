import type { Emitter } from "./emitter.ts";
import { Value } from "./value.ts";
import {
  type Axis,
  lengthOf,
  literalView,
  materialized,
  type Part,
  readWhole,
  repeated,
  shapeOf,
  simpleAxes,
  type View,
} from "./view.ts";

export function transposeView(view: View, permutation: readonly number[]): View {
  return { ...view, axes: permutation.map((from) => view.axes[from] ?? []) };
}

/** New axes at `added`, and axes of length 1 repeated, until the shape is `shape`. */
export function broadcastView(
  view: View,
  shape: readonly number[],
  added: readonly number[],
): View {
  let next = 0;
  const axes = shape.map((length, i): Axis => {
    if (added.includes(i)) return repeated(length);
    const own = view.axes[next] ?? [];
    next += 1;
    return lengthOf(own) === 1 ? repeated(length) : own;
  });
  return { ...view, axes };
}

/** Lazy as long as axes are only joined, or taken apart where they were joined. */
export function reshapeView(emitter: Emitter, view: View, shape: readonly number[]): View {
  if (typeof view.source === "number") return literalView(view.source, view.type, shape);
  const axes = regroupAs(view.axes.flat(), shape);
  if (axes) return { ...view, axes };
  const name = readWhole(emitter, view, shape);
  return { ...view, source: Value.named(name, view.type, shape), axes: ownAxes(shape) };
}

function ownAxes(shape: readonly number[]): Axis[] {
  return shape.map((length, axis): Axis => (length === 1 ? [] : [{ length, axis }]));
}

function regroupAs(parts: readonly Part[], shape: readonly number[]): Axis[] | undefined {
  const queue = [...parts];
  const axes: Axis[] = [];
  for (const length of shape) {
    const axis: Part[] = [];
    let missing = length;
    while (missing > 1) {
      const part = queue.shift();
      if (!part) return undefined;
      if (missing % part.length === 0) {
        axis.push(part);
        missing /= part.length;
      } else if (part.axis === null && part.length % missing === 0) {
        axis.push({ length: missing, axis: null });
        queue.unshift({ length: part.length / missing, axis: null });
        missing = 1;
      } else {
        return undefined;
      }
    }
    axes.push(axis);
  }
  return axes;
}

/** A view whose changed axes are real axes of the graph, and where each of them lies. */
interface Laid {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly view: View;
  /** Position in memory of a logical axis. */
  position(axis: number): number;
}

function layOut(emitter: Emitter, view: View, changed: readonly number[]): Laid {
  const one = simpleAxes(emitter, view);
  const real = changed.every((i) => one.axes[i]?.[0]?.axis != null);
  const settled = real && typeof one.source !== "number" ? one : materialized(emitter, one);
  if (typeof settled.source === "number") throw new Error("a literal has no layout");
  const { name, order } = settled.source.store();
  const { lengths } = settled.source;
  // Materialising leaves axes of length 1 without parts, but they lie where they stand.
  const idOf = (axis: number): number => settled.axes[axis]?.[0]?.axis ?? axis;
  return {
    name,
    lengths: order.map((id) => lengths[id] ?? 1),
    view: renumbered(settled, order),
    position: (axis) => order.indexOf(idOf(axis)),
  };
}

/** The view with axis ids replaced by positions in memory. */
function renumbered(view: View, order: readonly number[]): View {
  const axes = view.axes.map((axis) =>
    axis.map((part) => ({
      ...part,
      axis: part.axis === null ? null : order.indexOf(part.axis),
    })),
  );
  return { ...view, axes };
}

/** The laid-out view over a new tensor with other lengths, in memory and under logical axes. */
function relaid(
  laid: Laid,
  name: string,
  { lengths, shape }: { readonly lengths: readonly number[]; readonly shape: readonly number[] },
): View {
  const axes = laid.view.axes.map((axis, i): Axis => {
    const [part] = axis;
    const length = shape[i] ?? 1;
    if (part?.axis == null && length === lengthOf(axis)) return axis;
    return length === 1 ? [] : [{ length, axis: part?.axis ?? laid.position(i) }];
  });
  const value = Value.named(name, laid.view.type, lengths);
  return { source: value, type: laid.view.type, axes, exclusive: false };
}

/** Elements start..end-1 of each axis. */
export function shrinkView(
  emitter: Emitter,
  view: View,
  ranges: readonly (readonly [number, number])[],
): View {
  const shape = ranges.map(([start, end]) => end - start);
  const cut = [...shapeOf(view).keys()].filter((i) => shape[i] !== lengthOf(view.axes[i] ?? []));
  const real = cut.filter((i) => view.axes[i]?.some((part) => part.axis !== null));
  const freed: View = {
    ...view,
    axes: view.axes.map((axis, i) =>
      cut.includes(i) && !real.includes(i) ? repeated(shape[i] ?? 1) : axis,
    ),
  };
  if (real.length === 0) return freed;
  const laid = layOut(emitter, freed, real);
  const at = (i: number): readonly [number, number] => ranges[i] ?? [0, 0];
  const [name] = emitter.node("Slice", [
    laid.name,
    emitter.integers(real.map((i) => at(i)[0])),
    emitter.integers(real.map((i) => at(i)[1])),
    emitter.integers(real.map((i) => laid.position(i))),
  ]);
  const lengths = [...laid.lengths];
  for (const i of real) lengths[laid.position(i)] = shape[i] ?? 1;
  return relaid(laid, name, { lengths, shape });
}

const BACKWARDS_END = -(2 ** 31);

export function flipView(emitter: Emitter, view: View, axes: readonly number[]): View {
  const real = axes.filter((i) => view.axes[i]?.some((part) => part.axis !== null));
  if (real.length === 0) return view;
  const laid = layOut(emitter, view, real);
  const [name] = emitter.node("Slice", [
    laid.name,
    emitter.integers(real.map(() => -1)),
    emitter.integers(real.map(() => BACKWARDS_END)),
    emitter.integers(real.map((i) => laid.position(i))),
    emitter.integers(real.map(() => -1)),
  ]);
  return relaid(laid, name, { lengths: laid.lengths, shape: shapeOf(view) });
}

/** Zeros before and after each axis. */
export function padView(
  emitter: Emitter,
  view: View,
  widths: readonly (readonly [number, number])[],
): View {
  const padded = [...widths.keys()].filter((i) => widths[i]?.some((width) => width !== 0));
  if (padded.length === 0) return view;
  const laid = layOut(emitter, view, padded);
  const rank = laid.lengths.length;
  const amounts: number[] = Array.from({ length: 2 * rank }, () => 0);
  const lengths = [...laid.lengths];
  for (const i of padded) {
    const [before, after] = widths[i] ?? [0, 0];
    const position = laid.position(i);
    amounts[position] = before;
    amounts[rank + position] = after;
    lengths[position] = (lengths[position] ?? 1) + before + after;
  }
  const zero = emitter.scalar(view.type, 0);
  const [name] = emitter.node("Pad", [laid.name, emitter.integers(amounts), zero]);
  const shape = shapeOf(view).map((n, i) => n + (widths[i]?.[0] ?? 0) + (widths[i]?.[1] ?? 0));
  return relaid(laid, name, { lengths, shape });
}

/** Cuts into pieces along one axis. */
export function splitView(
  emitter: Emitter,
  view: View,
  { axis, sizes }: { readonly axis: number; readonly sizes: readonly number[] },
): View[] {
  const laid = layOut(emitter, view, [axis]);
  const position = laid.position(axis);
  const names = emitter.nodes(sizes.length, {
    operator: "Split",
    inputs: [laid.name, emitter.integers(sizes)],
    attributes: { axis: position },
  });
  return sizes.map((size, k) => {
    const shape = shapeOf(view).with(axis, size);
    return relaid(laid, names[k] ?? "", { lengths: laid.lengths.with(position, size), shape });
  });
}

/** Joins along one axis. */
export function concatViews(emitter: Emitter, views: readonly View[], axis: number): View {
  const [first] = views;
  if (!first) throw new Error("nothing to join");
  const names = views.map((view) => readWhole(emitter, view));
  const [name] = emitter.node("Concat", names, { axis });
  const total = views.reduce((length, view) => length + (shapeOf(view)[axis] ?? 0), 0);
  const shape = shapeOf(first).with(axis, total);
  const value = Value.named(name, first.type, shape);
  return { source: value, type: first.type, axes: ownAxes(shape), exclusive: false };
}
