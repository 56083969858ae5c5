/**
 * Views: how the lowering keeps movement operations lazy. A transpose, a broadcast or a reshape of a
 * tensor is the same tensor read in another way, and most of them never cost a node.
 */
import type { OnnxType } from "../onnx.ts";
import type { Emitter } from "./emitter.ts";
import { Value } from "./value.ts";

/** A stretch of a logical axis: an axis of the value, or a repetition (`axis` null). */
export interface Part {
  readonly length: number;
  readonly axis: number | null;
}

/** One logical axis, outermost part first; empty for length 1. */
export type Axis = readonly Part[];

/** A tensor as equations see it: a value, or one number everywhere, under logical axes. */
export interface View {
  readonly source: Value | number;
  readonly type: OnnxType;
  readonly axes: readonly Axis[];
  /** Nobody else reads this, so whoever does may fuse what made it into itself. */
  readonly exclusive: boolean;
}

export function lengthOf(axis: Axis): number {
  return axis.reduce((length, part) => length * part.length, 1);
}

export function shapeOf(view: View): number[] {
  return view.axes.map(lengthOf);
}

/** A value under its own axes. */
export function wholeView(value: Value): View {
  const axes = value.lengths.map((length, axis) => (length === 1 ? [] : [{ length, axis }]));
  return { source: value, type: value.type, axes, exclusive: false };
}

export function literalView(value: number, type: OnnxType, shape: readonly number[]): View {
  return { source: value, type, axes: shape.map(repeated), exclusive: false };
}

/** An axis along which nothing changes. */
export function repeated(length: number): Axis {
  return length === 1 ? [] : [{ length, axis: null }];
}

/** The view with axes of length 1 put before it until it has `rank`. */
function withRank(view: View, rank: number): View {
  const missing = Array.from({ length: rank - view.axes.length }, (): Axis => []);
  return { ...view, axes: [...missing, ...view.axes] };
}

/**
 * The name of a tensor in the graph whose axes are `parts` in that order: repetitions become axes of
 * length 1, of which leading ones are left out.
 */
export function readParts(emitter: Emitter, view: View, parts: readonly Part[]): string {
  const { source } = view;
  if (typeof source === "number") return emitter.scalar(view.type, source);
  const order = parts.flatMap((part) => (part.axis === null ? [] : [part.axis]));
  const { name, shape } = source.inOrder(emitter, order);
  const first = parts.findIndex((part) => part.axis !== null);
  const wanted =
    first < 0 ? [] : parts.slice(first).map((part) => (part.axis === null ? 1 : part.length));
  return emitter.reshape(name, shape, wanted);
}

/** The name of a tensor in the graph that is the view, row-major, under exactly its shape. */
export function readWhole(
  emitter: Emitter,
  view: View,
  shape: readonly number[] = shapeOf(view),
): string {
  const parts = view.axes.flat();
  const { source } = view;
  if (typeof source === "number") {
    const name = emitter.scalar(view.type, source);
    return emitter.expand(name, [], shape);
  }
  const order = parts.flatMap((part) => (part.axis === null ? [] : [part.axis]));
  const { name, shape: stored } = source.inOrder(emitter, order);
  if (parts.every((part) => part.axis !== null)) return emitter.reshape(name, stored, shape);
  const thin = parts.map((part) => (part.axis === null ? 1 : part.length));
  const full = parts.map((part) => part.length);
  const wide = emitter.expand(emitter.reshape(name, stored, thin), thin, full);
  return emitter.reshape(wide, full, shape);
}

/** The same tensor with each logical axis an axis in the graph. */
export function materialized(emitter: Emitter, view: View): View {
  const shape = shapeOf(view);
  return wholeView(Value.named(readWhole(emitter, view), view.type, shape));
}

/** A view in which no axis has more than one part; the cheap way where that is already so. */
export function simpleAxes(emitter: Emitter, view: View): View {
  return view.axes.every((axis) => axis.length <= 1) ? view : materialized(emitter, view);
}

/** Views of one rank, their axes cut into the same parts. */
export interface Aligned {
  readonly views: readonly View[];
  /** Cut lengths of each logical axis. */
  readonly cuts: readonly (readonly number[])[];
  /** For each view its parts, one per cut, over all axes; absent lengths repeat. */
  readonly parts: readonly (readonly Part[])[];
}

/** Broadcasts views against each other and cuts their axes alike, copying only if it must. */
export function align(emitter: Emitter, views: readonly View[]): Aligned {
  const rank = Math.max(...views.map((view) => view.axes.length));
  let ranked = views.map((view) => withRank(view, rank));
  let cuts = commonCuts(ranked, rank);
  if (!cuts) {
    ranked = ranked.map((view) => simpleAxes(emitter, view));
    cuts = commonCuts(ranked, rank);
  }
  if (!cuts) throw new Error("axes that cannot be aligned");
  const settled = cuts;
  const parts = ranked.map((view) => settled.flatMap((cut, i) => recut(view.axes[i] ?? [], cut)));
  return { views: ranked, cuts: settled, parts };
}

function commonCuts(views: readonly View[], rank: number): number[][] | undefined {
  const cuts: number[][] = [];
  for (let i = 0; i < rank; i++) {
    const axes = views.map((view) => view.axes[i] ?? []);
    const cut = cutAxis(axes);
    if (!cut) return undefined;
    cuts.push(cut);
  }
  return cuts;
}

/** Part lengths that every axis can be cut into without splitting an axis of a value. */
function cutAxis(axes: readonly Axis[]): number[] | undefined {
  const total = Math.max(...axes.map(lengthOf));
  if (total === 1) return [];
  const ends = new Set<number>([total]);
  for (const axis of axes) {
    let end = 1;
    for (const part of axis) {
      end *= part.length;
      ends.add(end);
    }
  }
  const sorted = [...ends].sort((a, b) => a - b);
  const cut = sorted.map((end, i) => end / (sorted[i - 1] ?? 1));
  if (cut.some((length) => !Number.isInteger(length))) return undefined;
  return axes.every((axis) => fits(axis, sorted)) ? cut : undefined;
}

/** Whether no cut falls inside a real part. */
function fits(axis: Axis, ends: readonly number[]): boolean {
  let start = 1;
  for (const part of axis) {
    const end = start * part.length;
    if (part.axis !== null && ends.some((cut) => cut > start && cut < end)) return false;
    start = end;
  }
  return true;
}

/** The parts of `axis` under the given cut; a broadcast axis repeats. */
function recut(axis: Axis, cut: readonly number[]): Part[] {
  const pieces: Part[] = [];
  let index = 0;
  let left = axis[0]?.length ?? 1;
  for (const length of cut) {
    const part = axis[index];
    pieces.push({ length, axis: part && part.length === length ? part.axis : null });
    left /= length;
    if (left <= 1) {
      index += 1;
      left = axis[index]?.length ?? 1;
    }
  }
  return pieces;
}

/** Puts parts, one per cut, back under logical axes. */
export function regroup(parts: readonly Part[], cuts: readonly (readonly number[])[]): Axis[] {
  let next = 0;
  return cuts.map((cut) => {
    const axis = parts.slice(next, next + cut.length);
    next += cut.length;
    return axis;
  });
}
