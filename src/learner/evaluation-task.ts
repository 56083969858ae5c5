/** One evaluation, for a thread of its own. */
export interface EvaluationTask {
  readonly env: { readonly id: string; readonly options: Readonly<Record<string, unknown>> };
  readonly episodes: number;
  readonly seed: number;
  /** The exported policy, as in policy.onnx. */
  readonly model: Uint8Array;
  readonly heartbeat: SharedArrayBuffer;
}
