import type { InputSpec } from "./algorithm.ts";

export type TransitionColumn =
  | "observations"
  | "actions"
  | "nextObservations"
  | "returns"
  | "bootstrapDiscounts"
  | "importanceWeights";

/** What replay delivers to methods that learn from transitions; n is the batch size. */
export function transitionBatch({
  observationSize,
  actionSize,
  batchSize,
}: {
  readonly observationSize: number;
  readonly actionSize: number;
  readonly batchSize: number;
}): InputSpec[] {
  return [
    { name: "observations", shape: [batchSize, observationSize] },
    { name: "actions", shape: [batchSize, actionSize] },
    { name: "nextObservations", shape: [batchSize, observationSize] },
    // R, the m-step return.
    { name: "returns", shape: [batchSize] },
    // gamma^m (1 - terminated).
    { name: "bootstrapDiscounts", shape: [batchSize] },
    { name: "importanceWeights", shape: [batchSize] },
  ];
}
