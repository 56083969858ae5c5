/** Buffers of one inference; rows are environments. */
export interface PolicyCall {
  /** [n, observation size], raw; the runner may overwrite it. */
  readonly observations: Float32Array;
  /** [n, noise size], standard normals. */
  readonly noise: Float32Array;
  /** [n, action size], filled with actions, in [-1, 1] unless the run's are free. */
  readonly actions: Float32Array;
  /** [n] each, by name: filled with what the program makes beside the actions. */
  readonly extras?: Readonly<Record<string, Float32Array>>;
}

/** A policy that can be run: one inference for all environments of an actor. */
export interface PolicyRunner extends AsyncDisposable {
  readonly observationSize: number;
  readonly actionSize: number;
  /** Standard normals that one action is drawn from; as many as an action has numbers when left out. */
  readonly noiseSize?: number;
  /** Names of what is made beside the actions. */
  readonly extras?: readonly string[];
  /**
   * @param parameters The policy group, flat, in layout order; copied.
   * @param normalizer [2, observation size]: mean, then scale; copied.
   */
  setParameters(parameters: Float32Array, normalizer: Float32Array): void;
  run(call: PolicyCall): Promise<void>;
}
