import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { relativeError, worstError } from "./closeness.ts";
import type { Columns, ReferenceUpdate, StageNumbers } from "./reference-update.ts";

/** Everything that an update leaves behind, whoever ran it. */
export interface UpdateTrace {
  /** Losses among them. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly perSample: Columns;
  readonly parameters: ParameterValues;
  /** Adam's moments; the first, after one update, is the gradient times 1 - beta1. */
  readonly first: ParameterValues;
  readonly second: ParameterValues;
}

/** The state after an update whose stages computed `results`. */
export function traceReference(
  update: ReferenceUpdate,
  results: Readonly<Record<string, StageNumbers>>,
): UpdateTrace {
  const stages = Object.values(results);
  return {
    metrics: Object.assign({}, ...stages.map((stage) => stage.metrics)),
    perSample: Object.assign({}, ...stages.map((stage) => stage.perSample)),
    parameters: structuredClone(update.parameters),
    first: structuredClone(update.first),
    second: structuredClone(update.second),
  };
}

/** The largest max|difference| / max|reference| over all leaves, and the leaf that has it. */
export function traceError(
  trace: UpdateTrace,
  reference: UpdateTrace,
): { readonly error: number; readonly where: string } {
  const candidates = [
    { ...worstError({ perSample: trace.perSample }, { perSample: reference.perSample }) },
    ...(["parameters", "first", "second"] as const).map((part) => {
      const { error, where } = worstError(trace[part], reference[part]);
      return { error, where: `${part} ${where}` };
    }),
    ...Object.entries(reference.metrics).map(([key, value]) => ({
      error: relativeError([trace.metrics[key] ?? Number.NaN], [value]),
      where: key,
    })),
  ];
  return candidates.reduce((worst, next) => (next.error > worst.error ? next : worst));
}
