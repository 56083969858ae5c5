/** Products summed over an axis: jax-js's `dot`, as matrix products. */

import { elementwise, elementwiseWriter } from "./elementwise.ts";
import type { Emitter } from "./emitter.ts";
import { type Factor, type Factors, isSeparated, type Roles, slotsInMemory } from "./factors.ts";
import { openGemm } from "./gemm.ts";
import { reduceView, scaled } from "./reduce.ts";
import { Value } from "./value.ts";
import { type Axis, align, type Part, readParts, regroup, repeated, type View } from "./view.ts";

/**
 * sum over the last axis of x * y, with broadcasting. Each axis is asked in which operand it really
 * varies: summed in both it is contracted, kept in one it makes rows or columns, kept in both a batch.
 */
export function dotViews(emitter: Emitter, left: View, right: View): View {
  const { cuts, parts, views } = align(emitter, [left, right]);
  const lengths = cuts.flat();
  const last = cuts.at(-1)?.length ?? 0;
  const isSummed = (slot: number): boolean => slot >= lengths.length - last;
  const slots = [...lengths.keys()];
  const own = (i: number): Factor => ({
    view: views[i] ?? left,
    parts: parts[i] ?? [],
  });
  const varies = (i: number, slot: number): boolean => parts[i]?.[slot]?.axis != null;
  // A summed axis that only one operand knows is summed there, before the product.
  const x = sumAlone(
    emitter,
    own(0),
    slots.filter((s) => isSummed(s) && varies(0, s) && !varies(1, s)),
  );
  const y = sumAlone(
    emitter,
    own(1),
    slots.filter((s) => isSummed(s) && varies(1, s) && !varies(0, s)),
  );
  const neither = slots.filter((s) => isSummed(s) && !varies(0, s) && !varies(1, s));
  const both = slots.filter((s) => varies(0, s) && varies(1, s));
  const roles: Roles = {
    batch: both.filter((s) => !isSummed(s)),
    rows: slots.filter((s) => !isSummed(s) && varies(0, s) && !varies(1, s)),
    columns: slots.filter((s) => !isSummed(s) && varies(1, s) && !varies(0, s)),
    summed: both.filter(isSummed),
  };
  const product = multiply(emitter, { x, y, lengths }, roles);
  const result = scaled(emitter, product, emitter.count(neither.map((s) => lengths[s] ?? 1)));
  const keptSlots = lengths.length - last;
  const flat = result.axes.slice(0, keptSlots).map((axis, slot): Part => {
    return axis[0] ?? { length: lengths[slot] ?? 1, axis: null };
  });
  return { ...result, axes: regroup(flat, cuts.slice(0, -1)) };
}

/** The operand with one logical axis per slot. */
function perSlot({ view, parts }: Factor): View {
  return { ...view, axes: parts.map((part): Axis => (part.length === 1 ? [] : [part])) };
}

function sumAlone(emitter: Emitter, factor: Factor, slots: readonly number[]): Factor {
  if (slots.length === 0) return factor;
  const reduced = reduceView(emitter, perSlot(factor), { op: "Add", axis: slots });
  const axes = [...reduced.axes];
  for (const slot of slots) axes.splice(slot, 0, []);
  const parts = axes.map(
    (axis, slot): Part => axis[0] ?? { length: factor.parts[slot]?.length ?? 1, axis: null },
  );
  return { view: { ...reduced, axes }, parts };
}

/** A view with one axis per slot, the summed ones gone or repeated. */
function multiply(emitter: Emitter, factors: Factors, roles: Roles): View {
  const { rows, columns, summed, batch } = roles;
  const isMatrix = summed.length > 0 && rows.length + columns.length > 0;
  // An outer product runs at half the cost of a broadcast multiplication.
  const isOuter = batch.length === 0 && rows.length > 0 && columns.length > 0;
  if (isMatrix || isOuter) return matrixProduct(emitter, factors, roles);
  const { type } = factors.x.view;
  const write = elementwiseWriter("mul", {}, type);
  if (!write) throw new Error(`no product of ${type}`);
  const product = elementwise(emitter, [perSlot(factors.x), perSlot(factors.y)], { type, write });
  return sumSlots(emitter, product, roles.summed);
}

/** Sums slots away and leaves axes of length 1 in their places. */
function sumSlots(emitter: Emitter, view: View, slots: readonly number[]): View {
  const summed = reduceView(emitter, view, { op: "Add", axis: slots });
  const axes = [...summed.axes];
  for (const slot of slots.toSorted((a, b) => a - b)) axes.splice(slot, 0, []);
  return { ...summed, axes };
}

function matrixProduct(emitter: Emitter, factors: Factors, roles: Roles): View {
  const peeled = peel(factors, roles);
  if (peeled.length === 0) return openGemm(emitter, factors, roles);
  return batchedProduct(emitter, factors, { ...roles, peeled });
}

/**
 * The slots to loop over, as a batch of products. The real batch must be; besides, an outermost axis
 * that stands between an operand and a clean matrix, such as that of stacked weights, is cheaper to
 * loop over than to transpose away.
 */
function peel(factors: Factors, roles: Roles): number[] {
  const peeled: number[] = [...roles.batch];
  for (;;) {
    const rest = [factors.x, factors.y].map((factor) =>
      slotsInMemory(factor).filter((slot) => !peeled.includes(slot)),
    );
    const tangled = rest.filter((slots) => !isSeparated(slots, roles.summed));
    const slot = tangled
      .map(([first]) => first)
      .find((first) => {
        const others = rest.filter((slots) => slots.includes(first ?? -1));
        return others.every((slots) => slots[0] === first);
      });
    if (slot === undefined) return peeled;
    peeled.push(slot);
  }
}

function batchedProduct(
  emitter: Emitter,
  { x, y, lengths }: Factors,
  roles: Roles & { readonly peeled: readonly number[] },
): View {
  const { peeled } = roles;
  const unpeeled = (slots: readonly number[]): number[] => slots.filter((s) => !peeled.includes(s));
  const rows = unpeeled(roles.rows);
  const columns = unpeeled(roles.columns);
  const summed = unpeeled(roles.summed);
  const size = (slots: readonly number[]): number[] => slots.map((slot) => lengths[slot] ?? 1);
  const product = (slots: readonly number[]): number => size(slots).reduce((a, b) => a * b, 1);
  const read = (factor: Factor, [outer, inner]: readonly [number[], number[]]): string => {
    const order = [...peeled, ...outer, ...inner];
    const parts = order.map((slot) => factor.parts[slot] ?? { length: 1, axis: null });
    const name = readParts(emitter, factor.view, parts);
    const full = parts.map((part) => (part.axis === null ? 1 : part.length));
    const leads = full.findIndex((length, i) => length !== 1 || parts[i]?.axis !== null);
    const stored = leads < 0 ? [] : full.slice(leads);
    const batch = parts
      .slice(0, peeled.length)
      .map((part) => (part.axis === null ? 1 : part.length));
    return emitter.reshape(name, stored, [...batch, product(outer), product(inner)]);
  };
  const transposedX = startsWith(slotsInMemory(x), peeled, summed);
  const transposedY = !startsWith(slotsInMemory(y), peeled, summed);
  const a = read(x, transposedX ? [summed, rows] : [rows, summed]);
  const b = read(y, transposedY ? [columns, summed] : [summed, columns]);
  const [name] =
    transposedX || transposedY
      ? emitter.node("FusedMatMul", [a, b], {
          transA: Number(transposedX),
          transB: Number(transposedY),
        })
      : emitter.node("MatMul", [a, b]);
  const order = [...peeled, ...rows, ...columns];
  const shape = size(order);
  const matrix = [...size(peeled), product(rows), product(columns)];
  const value = Value.named(emitter.reshape(name, matrix, shape), x.view.type, shape);
  const axes = lengths.map((length, slot): Axis => {
    const axis = order.indexOf(slot);
    if (axis >= 0) return length === 1 ? [] : [{ length, axis }];
    return roles.summed.includes(slot) ? [] : repeated(length);
  });
  const view: View = { source: value, type: x.view.type, axes, exclusive: false };
  return sumSlots(
    emitter,
    view,
    peeled.filter((slot) => roles.summed.includes(slot)),
  );
}

function startsWith(
  slots: readonly number[],
  peeled: readonly number[],
  first: readonly number[],
): boolean {
  const [next] = slots.filter((slot) => !peeled.includes(slot));
  return next !== undefined && first.includes(next);
}
