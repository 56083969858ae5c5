/** Picking rows by a condition, and putting them back: see split-rows.ts. */
import type { Emitter } from "./emitter.ts";
import { Value } from "./value.ts";
import { readWhole, shapeOf, type View, wholeView } from "./view.ts";

const INT64 = 7;

/** The rows on which the condition is `keep`. */
export function compressView(
  emitter: Emitter,
  [x, condition]: readonly View[],
  { keep, rows }: { readonly keep: boolean; readonly rows: number },
): View {
  if (!(x && condition)) throw new Error("compress has two operands");
  const holds = readWhole(emitter, condition);
  const chosen = keep ? holds : emitter.node("Not", [holds])[0];
  const [name] = emitter.node("Compress", [readWhole(emitter, x), chosen], { axis: 0 });
  return wholeView(Value.named(name, x.type, shapeOf(x).with(0, rows)));
}

/** Row i from the next row of `yes` where the condition holds, from the next of `no` elsewhere. */
export function mergeViews(emitter: Emitter, [condition, yes, no]: readonly View[]): View {
  if (!(condition && yes && no)) throw new Error("merge has three operands");
  const [rows = 0] = shapeOf(condition);
  const holds = readWhole(emitter, condition);
  const [ones] = emitter.node("Cast", [holds], { to: INT64 });
  // With t(i) the rows up to i for which it holds: t(i) - 1, or behind all of those i - t(i).
  const [upTo] = emitter.node("CumSum", [ones, emitter.scalar("int64", 0)]);
  const [inYes] = emitter.node("Sub", [upTo, emitter.scalar("int64", 1)]);
  const [total] = emitter.node("ReduceSum", [ones, emitter.integers([0])], { keepdims: 1 });
  const places = emitter.integers(Array.from({ length: rows }, (_, i) => i));
  const [behind] = emitter.node("Add", [total, places]);
  const [inNo] = emitter.node("Sub", [behind, upTo]);
  const [from] = emitter.node("Where", [holds, inYes, inNo]);
  const parts = [readWhole(emitter, yes), readWhole(emitter, no)];
  const [all] = emitter.node("Concat", parts, { axis: 0 });
  const [name] = emitter.node("Gather", [all, from], { axis: 0 });
  return wholeView(Value.named(name, yes.type, shapeOf(yes).with(0, rows)));
}
