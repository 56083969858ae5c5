import { type numpy as np, tree } from "@jax-js/jax";

declare const brand: unique symbol;

/**
 * An array as algorithm code sees it: immutable, named nowhere, and borrowed by whatever reads it.
 * While a function is traced it stands for a value to come; outside it holds numbers (see `read`).
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly [brand]: true;
}

/** What every operation accepts: a number broadcasts like a scalar tensor. */
export type Operand = Tensor | number;

/** Tensors in nested plain objects and arrays. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [name: string]: TensorTree };

/** The jax-js array behind a tensor, without a claim on it. */
export function peek(tensor: Tensor): np.Array {
  return tensor as unknown as np.Array;
}

/**
 * The jax-js array behind an operand with a reference of its own: jax-js functions consume what they
 * are given, and this is the one place where that is paid for.
 */
export function lend(operand: Tensor): np.Array;
export function lend(operand: Operand): np.Array | number;
export function lend(operand: Operand): np.Array | number {
  return typeof operand === "number" ? operand : peek(operand).ref;
}

/** Hands a jax-js array over as a tensor. */
export function adopt(array: np.Array): Tensor {
  return array as unknown as Tensor;
}

/** Like `lend`, for every leaf of a tree. */
export function lendTree<T extends TensorTree>(value: T): T {
  return tree.ref(value as never) as unknown as T;
}
