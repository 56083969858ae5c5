import type { Tensor } from "../compile/ops.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";

export interface SampledActions {
  /** [n, action size], in [-1, 1]. */
  readonly actions: Tensor;
  /** log pi(action | s), [n]. */
  readonly logProbabilities: Tensor;
}

/** A family of policies over actions in [-1, 1], and how critics improve it: what SAC needs of one. */
export interface SacPolicy {
  readonly parameters: readonly ParameterSpec[];
  /** Standard normals that one action is drawn from. */
  readonly noiseSize: number;
  /** Standard normals that `improve` takes for one state. */
  readonly lossNoiseSize: number;
  /** One action for each state, from noise [n, noiseSize]. */
  sample(parameters: Parameters, observations: Tensor, noise: Tensor): SampledActions;
  /** The deterministic action, [n, action size]. */
  mode(parameters: Parameters, observations: Tensor): Tensor;
  /** See `Policy`. */
  readonly modeJumps?: boolean;
  improve(question: ImprovementInputs): Improvement;
  /** What its units say of each state; DrM asks. */
  units(parameters: Parameters, observations: Tensor): PolicyUnits;
}

/** Layer by layer, each [n, units]. */
export interface PolicyUnits {
  /** After their activation. */
  readonly hidden: readonly Tensor[];
  /** The outputs, each kind of them apart, as they leave the network. */
  readonly heads: readonly Tensor[];
}

export interface ImprovementInputs {
  readonly parameters: Parameters;
  /** [n, observation size]. */
  readonly observations: Tensor;
  /** [n, lossNoiseSize]. */
  readonly noise: Tensor;
  /** alpha, []; a constant. */
  readonly temperature: Tensor;
  /** What the critics, whose parameters are constants, say of m pairs: [m]. */
  value(observations: Tensor, actions: Tensor): Tensor;
}

export interface Improvement {
  /** L_pi, []. */
  readonly loss: Tensor;
  /** Mean log-probability of the actions that the temperature looks at, []. */
  readonly logProbability: Tensor;
  /** Scalars to log, by metric key. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
}
