/** One evaluation, for a thread of its own. */
export interface EvaluationTask {
  readonly env: { readonly id: string; readonly options: Readonly<Record<string, unknown>> };
  readonly episodes: number;
  readonly seed: number;
  /** The policy as in policy.onnx, or with its critics, to choose among draws. */
  readonly model: Uint8Array;
  readonly heartbeat: SharedArrayBuffer;
  /** As `StopFlag` has it. */
  readonly stop: SharedArrayBuffer;
  /** One for each episode, as `BlackBox` has it. */
  readonly blackBoxes: readonly SharedArrayBuffer[];
}
