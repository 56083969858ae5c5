/** One evaluation, for a thread of its own. */
export interface EvaluationTask {
  readonly env: { readonly id: string; readonly options: Readonly<Record<string, unknown>> };
  readonly episodes: number;
  readonly seed: number;
  /** The compiled `policy.mode` for `episodes` rows. */
  readonly program: Uint8Array;
  readonly parameters: Float32Array;
  readonly normalizer: Float32Array;
  readonly normalizes: boolean;
}
