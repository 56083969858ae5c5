import { expect } from "vitest";
import type { ParameterValues } from "../../src/algorithms/networks.ts";

/** max|value - reference| / max|reference| of one tensor; NaN anywhere makes it infinite. */
export function relativeError(value: ArrayLike<number>, reference: ArrayLike<number>): number {
  if (value.length !== reference.length) return Infinity;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < reference.length; i++) {
    if (!Number.isFinite(value[i]) || !Number.isFinite(reference[i])) return Infinity;
    difference = Math.max(difference, Math.abs(value[i]! - reference[i]!));
    size = Math.max(size, Math.abs(reference[i]!));
  }
  return difference === 0 ? 0 : difference / size;
}

/** The largest relative error over all tensors, and the name of the tensor that has it. */
export function worstError(
  values: ParameterValues,
  reference: ParameterValues,
): { readonly error: number; readonly where: string } {
  let worst = { error: 0, where: "" };
  for (const [group, tensors] of Object.entries(reference)) {
    for (const [name, expected] of Object.entries(tensors)) {
      const error = relativeError(values[group]?.[name] ?? [], expected);
      if (error > worst.error) worst = { error, where: `${group}.${name}` };
    }
  }
  return worst;
}

/** Expects every tensor of `reference` in `values`, within `tolerance` of its largest element. */
export function expectClose(
  values: ParameterValues,
  reference: ParameterValues,
  tolerance: number,
): void {
  const { error, where } = worstError(values, reference);
  expect(error, `relative error of ${where}`).toBeLessThanOrEqual(tolerance);
}
