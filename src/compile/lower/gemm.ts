/** One matrix product, written either way round, with an optional bias added on the way. */

import type { Emitter } from "./emitter.ts";
import { type Factor, type Factors, isSeparated, type Roles, slotsInMemory } from "./factors.ts";
import { Value } from "./value.ts";
import { type Axis, align, type Part, readParts, repeated, type View } from "./view.ts";

/** A product not yet written: what an addition needs to become its bias. */
interface Product {
  readonly left: Operand;
  readonly right: Operand;
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** Reads a matrix as it lies by then: with its summed axis first or last. */
type Operand = (emitter: Emitter) => { readonly name: string; readonly summedFirst: boolean };

interface Bias {
  readonly view: View;
  readonly parts: readonly Part[];
  /** Which axis of the product it varies along. */
  readonly along: "rows" | "columns" | "neither";
}

/** Products that are still open, for `fuseBias`. Weak: a product is forgotten with its value. */
const openProducts = new WeakMap<Value, Product>();

/** The contraction as a value that is written when somebody knows which way round. */
export function openGemm(emitter: Emitter, factors: Factors, roles: Roles): View {
  const { lengths } = factors;
  if (roles.rows.length === 0) {
    // A matrix times a column is faster than a row times a matrix.
    const turned = { x: factors.y, y: factors.x, lengths };
    return openGemm(emitter, turned, { ...roles, rows: roles.columns, columns: [] });
  }
  // The summed axes run in the order in which they lie in x, or y if x is mixed up anyway.
  const lead = isSeparated(slotsInMemory(factors.x), roles.summed) ? factors.x : factors.y;
  const summed = inMemory(lead, roles.summed);
  const rows = inMemory(factors.x, roles.rows);
  const columns = inMemory(factors.y, roles.columns);
  const product: Product = {
    left: operand(factors.x, { kept: rows, summed, lengths, isLeft: true }),
    right: operand(factors.y, { kept: columns, summed, lengths, isLeft: false }),
    rows: rows.map((slot) => lengths[slot] ?? 1),
    columns: columns.map((slot) => lengths[slot] ?? 1),
  };
  const value = openValue(emitter, product);
  const kept = [...rows, ...columns];
  const axes = lengths.map((length, slot): Axis => {
    const axis = kept.indexOf(slot);
    if (axis >= 0) return length === 1 ? [] : [{ length, axis }];
    return roles.summed.includes(slot) ? [] : repeated(length);
  });
  return { source: value, type: "float32", axes, exclusive: false };
}

/** `slots` in the order in which they lie in the operand. */
function inMemory(factor: Factor, slots: readonly number[]): number[] {
  return slotsInMemory(factor).filter((slot) => slots.includes(slot));
}

function operand(
  factor: Factor,
  axes: {
    readonly kept: readonly number[];
    readonly summed: readonly number[];
    readonly lengths: readonly number[];
    readonly isLeft: boolean;
  },
): Operand {
  const { kept, summed, lengths, isLeft } = axes;
  const size = (slots: readonly number[]): number =>
    slots.reduce((total, slot) => total * (lengths[slot] ?? 1), 1);
  return (emitter) => {
    const [first] = slotsInMemory(factor);
    const summedFirst = kept.length === 0 ? !isLeft : first !== undefined && summed.includes(first);
    const order = summedFirst ? [...summed, ...kept] : [...kept, ...summed];
    const matrix = summedFirst ? [size(summed), size(kept)] : [size(kept), size(summed)];
    const parts = order.map((slot) => factor.parts[slot] ?? { length: 1, axis: null });
    const shape = order.map((slot) => lengths[slot] ?? 1);
    const name = emitter.reshape(readParts(emitter, factor.view, parts), shape, matrix);
    return { name, summedFirst };
  };
}

function openValue(emitter: Emitter, product: Product, bias?: Bias): Value {
  const { rows, columns } = product;
  const lengths = [...rows, ...columns];
  const natural = lengths.map((_, axis) => axis);
  const swapped = [...natural.slice(rows.length), ...natural.slice(0, rows.length)];
  const value = Value.open("float32", lengths, {
    orders: [natural, swapped],
    write: (order) => {
      const isSwapped = order[0] !== natural[0] && rows.length > 0 && columns.length > 0;
      return writeGemm(emitter, product, { isSwapped, bias });
    },
  });
  if (!bias) openProducts.set(value, product);
  return value;
}

function writeGemm(
  emitter: Emitter,
  { left, right, rows, columns }: Product,
  { isSwapped, bias }: { readonly isSwapped: boolean; readonly bias: Bias | undefined },
): string {
  const a = left(emitter);
  const b = right(emitter);
  const extra = bias ? [readBias(emitter, bias, isSwapped)] : [];
  const transLeft = Number(a.summedFirst);
  const transRight = Number(!b.summedFirst);
  // (A B)' = B' A'.
  const [name] = isSwapped
    ? emitter.node("Gemm", [b.name, a.name, ...extra], {
        transA: 1 - transRight,
        transB: 1 - transLeft,
      })
    : emitter.node("Gemm", [a.name, b.name, ...extra], { transA: transLeft, transB: transRight });
  const size = (lengths: readonly number[]): number => lengths.reduce((total, n) => total * n, 1);
  const matrix = [size(rows), size(columns)];
  const shape = [...rows, ...columns];
  return isSwapped
    ? emitter.reshape(name, matrix.reverse(), [...columns, ...rows])
    : emitter.reshape(name, matrix, shape);
}

/** The bias as a row, or as a column where the product is written the other way round. */
function readBias(emitter: Emitter, bias: Bias, isSwapped: boolean): string {
  const varying = bias.parts.filter((part) => part.axis !== null);
  const name = readParts(emitter, bias.view, varying);
  const lengths = varying.map((part) => part.length);
  if (bias.along === "neither") return emitter.reshape(name, [], [1]);
  const size = lengths.reduce((total, n) => total * n, 1);
  const isColumn = (bias.along === "rows") !== isSwapped;
  return emitter.reshape(name, lengths, isColumn ? [size, 1] : [size]);
}

/** a + b as one product with bias, if one of them is a product nobody else reads. */
export function fuseBias(emitter: Emitter, a: View, b: View): View | undefined {
  return fuse(emitter, a, b) ?? fuse(emitter, b, a);
}

function fuse(emitter: Emitter, matrix: View, addend: View): View | undefined {
  const { source } = matrix;
  if (typeof source === "number" || typeof addend.source === "number") return undefined;
  const product = openProducts.get(source);
  if (!(product && matrix.exclusive && source.isOpen)) return undefined;
  const { cuts, parts, views } = align(emitter, [matrix, addend]);
  const [own = [], other = []] = parts;
  if (views[0]?.source !== source) return undefined;
  // Every axis along which the addend varies must be one of the product's.
  if (other.some((part, slot) => part.axis !== null && own[slot]?.axis == null)) return undefined;
  const ids = own.flatMap((part, slot) =>
    part.axis !== null && other[slot]?.axis !== null ? [part.axis] : [],
  );
  const along = alongWhich(product, ids);
  if (!along) return undefined;
  const view = views[1] ?? addend;
  const value = openValue(emitter, product, { view, parts: other, along });
  let next = 0;
  const axes = cuts.map((cut): Axis => {
    const axis = own.slice(next, next + cut.length);
    next += cut.length;
    return axis;
  });
  return { source: value, type: "float32", axes, exclusive: false };
}

/** Whether a bias over the axes `ids` is a row, a column or one number for the product. */
function alongWhich(product: Product, ids: readonly number[]): Bias["along"] | undefined {
  const rows = product.rows.map((_, axis) => axis);
  const columns = product.columns.map((_, axis) => rows.length + axis);
  if (ids.length === 0) return "neither";
  if (ids.join() === columns.join()) return "columns";
  return ids.join() === rows.join() ? "rows" : undefined;
}
