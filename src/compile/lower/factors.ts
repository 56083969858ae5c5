/** The two sides of a product summed over an axis, their axes cut alike; see contract.ts. */
import type { Part, View } from "./view.ts";

/** Slots are the cut axes of both operands, numbered alike; see `align`. */
export interface Factors {
  readonly x: Factor;
  readonly y: Factor;
  readonly lengths: readonly number[];
}

export interface Factor {
  readonly view: View;
  readonly parts: readonly Part[];
}

/** What each slot does: in which operand it varies and whether it is summed. */
export interface Roles {
  /** In both, not summed. */
  readonly batch: readonly number[];
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly summed: readonly number[];
}

/** The slots of an operand as they lie in memory, outermost first. */
export function slotsInMemory({ view, parts }: Factor): number[] {
  if (typeof view.source === "number") return [];
  const order = view.source.orders[0] ?? [];
  return order.flatMap((axis) => {
    const slot = parts.findIndex((part) => part.axis === axis);
    return slot < 0 ? [] : [slot];
  });
}

/** Whether all of `a` lies before all of `b`, or after. */
export function isSeparated(slots: readonly number[], a: readonly number[]): boolean {
  const inside = slots.map((slot) => a.includes(slot));
  return inside.filter((is, i) => i > 0 && is !== inside[i - 1]).length <= 1;
}
