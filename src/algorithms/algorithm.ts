import type { Tensor } from "../compile/ops.ts";
import type { RandomStream } from "../math/random.ts";

/** Named tensors of one parameter group, e.g. the actor's weights and biases. */
export type Parameters = Readonly<Record<string, Tensor>>;

/** How one parameter tensor is shaped and first filled. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Fills `out` (row-major, [product of shape]) with initial values. */
  init(random: RandomStream, out: Float32Array): void;
  /** It is a linear layer's weight or bias. */
  readonly isLinear?: true;
  /** It is a convolution's kernel or bias. */
  readonly isConvolution?: true;
}

/** A set of parameters that one optimiser moves, or that follows another as its slow copy. */
export interface ParameterGroup {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  /** Absent when no stage moves the group: it is a target. */
  readonly optimizer?: AdamOptions;
  /** Its optimiser is given the part of each tensor's gradient that does not point along the tensor. */
  readonly orthogonalGradient?: true;
}

/** A named float32 input of a traced function. `shape` is complete, batch axis included. */
export interface InputSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * What a loss sees: exactly the names that the algorithm declares, so an algorithm may narrow the
 * records to its own names in the signature of `loss`.
 */
export interface LossInputs {
  /** Every group by name. */
  readonly parameters: Readonly<Record<string, Parameters>>;
  /** The batch: columns from replay, and what stages before this one share. */
  readonly batch: Readonly<Record<string, Tensor>>;
  /** Standard normals drawn fresh for this update. */
  readonly noise: Readonly<Record<string, Tensor>>;
  /** What the stage's `prepare` found: constants. */
  readonly prepared?: Readonly<Record<string, Tensor>>;
}

export interface LossResult {
  /** Scalar, []. */
  readonly loss: Tensor;
  /** Scalars to log, by metric key; no two stages share a key. */
  readonly metrics: Readonly<Record<string, Tensor>>;
  /** Per-sample results, [batch]; replay makes priorities of the column `priorities`. */
  readonly perSample?: Readonly<Record<string, Tensor>>;
  /**
   * New values, by group and name, of tensors whose gradient is zero: what an update hands on to the next,
   * such as the directions of a power iteration. Of the stage's own groups.
   */
  readonly carried?: Readonly<Record<string, Parameters>>;
  /** What later stages are to find in their batch; as `Algorithm.shared` says. */
  readonly shared?: Readonly<Record<string, Tensor>>;
}

/**
 * One gradient step of an update.
 *
 * The executor takes the gradient of `loss` with respect to `groups` alone: the other groups are
 * constants, so a loss writes stopGradient only where one of its own groups must not be moved by a
 * term. Losses that share a forward pass are summed in one stage and move several groups at once.
 */
export interface LossStage {
  readonly name: string;
  /** The groups that are moved, each by its own optimiser, all from the same gradient. */
  readonly groups: readonly string[];
  /** Gradients whose Euclidean norm, over all groups, is larger are scaled down to it. */
  readonly maxGradNorm?: number;
  /** What the loss needs that takes a derivative of its own to find; a loss must not differentiate. */
  prepare?(inputs: LossInputs): Readonly<Record<string, Tensor>>;
  loss(inputs: LossInputs): LossResult;
}

/** Source: Kingma and Ba 2015, arXiv 1412.6980, algorithm 1. */
export interface AdamOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** `target <- tau * source + (1 - tau) * target` after each update; at first `target = source`. */
export interface PolyakTarget {
  readonly target: string;
  readonly source: string;
  readonly tau: number;
}

/**
 * What is learned, as pure data and pure functions: how it runs (jax-js or a compiled graph), and when,
 * is somebody else's business. An update runs the stages in order, each seeing the parameters that the
 * stages before it moved, then the Polyak targets.
 */
export interface Algorithm {
  readonly name: string;
  readonly groups: readonly ParameterGroup[];
  readonly stages: readonly LossStage[];
  readonly targets: readonly PolyakTarget[];
  /** Columns of the batch, e.g. { name: "observations", shape: [256, 17] }. */
  readonly batch: readonly InputSpec[];
  readonly noise: readonly InputSpec[];
  /** What one stage computes and later ones use, so that they need not compute it again. */
  readonly shared?: readonly InputSpec[];
  readonly policy: Policy;
  /** The policy with its critics' advice on so many draws; left out where critics do not judge actions. */
  chooser?(candidates: number): Chooser;
}

/** Acts by more than the policy's own group: for evaluations, where all groups are at hand. */
export interface Chooser {
  /** The groups that `choose` reads. */
  readonly groups: readonly string[];
  /** Standard normals that one action is chosen with. */
  readonly noiseSize: number;
  /** An action in [-1, 1] for each observation, [n, action size], from normals, [n, noiseSize]. */
  choose(
    parameters: Readonly<Record<string, Parameters>>,
    observations: Tensor,
    noise: Tensor,
  ): Tensor;
}

/** The part an actor needs. */
export interface Policy {
  /** The group whose parameters are published. */
  readonly group: string;
  /** The group of what observations go through first; published before the other. */
  readonly encoder?: string;
  /** What is published after them: numbers that no gradient moves, for `sample` to find by name. */
  readonly settings?: readonly InputSpec[];
  readonly observationSize: number;
  readonly actionSize: number;
  /** Standard normals that one action is drawn from; as many as an action has numbers when left out. */
  readonly noiseSize?: number;
  /** Exploring action in [-1, 1], [n, action size], from observations [n, size] and standard normals [n, noise size]. */
  sample(parameters: Parameters, observations: Tensor, noise: Tensor): Tensor;
  /** The deterministic action used for evaluation and export. */
  mode(parameters: Parameters, observations: Tensor): Tensor;
  /** The action of `mode` jumps at some observations, where rounding may decide for either side. */
  readonly modeJumps?: boolean;
  /** What an on-policy learner needs besides; left out where only actions matter. */
  readonly onPolicy?: OnPolicyPart;
}

/** Opinions of a policy and its critic about given pairs; row i of each belongs to observation i. */
export interface Opinions {
  /** log pi(a | s), [n]. */
  readonly logProbs: Tensor;
  /** V(s), [n]. */
  readonly values: Tensor;
}

/** The published group holds the critic, too: actors record its values. */
export interface OnPolicyPart {
  /** Exploring actions, which may lie outside [-1, 1], with what is to be recorded about them. */
  act(
    parameters: Parameters,
    observations: Tensor,
    noise: Tensor,
  ): Opinions & { readonly actions: Tensor };
  /** The same about actions, [n, action size], that were chosen by another policy. */
  judge(parameters: Parameters, observations: Tensor, actions: Tensor): Opinions;
}
