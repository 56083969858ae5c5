/**
 * What critics and policies of one's own are made from: `import … from "troupe/plugin"`, docs/extending.md.
 *
 * Apart from the API of `index.ts`, because it loads jax-js, which only the learner's thread needs.
 */

export type { ParameterSpec, Parameters } from "./algorithms/algorithm.ts";
export { categorical, categoricalTarget } from "./algorithms/critics/categorical.ts";
export {
  type Backup,
  type CriticError,
  type CriticHead,
  type CriticTarget,
  type Exploitation,
  mix,
  softBackup,
} from "./algorithms/critics/critic-head.ts";
export type { CriticHeadOptions } from "./algorithms/critics/registry.ts";
export { makeSupport, type Support, type SupportOptions } from "./algorithms/critics/support.ts";
export type { ActionDistribution, PolicyHead } from "./algorithms/diagonal-gaussian.ts";
export { diagonalGaussian } from "./algorithms/diagonal-gaussian.ts";
export {
  constant,
  type Initialiser,
  orthogonal,
  uniformFanIn,
} from "./algorithms/initialisers.ts";
export { activate, dense, type Layer, layerNorm, residual, sequence } from "./algorithms/layers.ts";
export { type NetworkOptions, network, networkBody } from "./algorithms/networks.ts";
export type { MakeCritic, Plugin, PolicyFamily, PolicySizes } from "./algorithms/plugin.ts";
export type { PpoOptions } from "./algorithms/ppo.ts";
export type { SacOptions } from "./algorithms/sac.ts";
export type { SacPolicy, SampledActions } from "./algorithms/sac-policy.ts";
export {
  gaussianPolicy,
  logNormal,
  logSquashDerivative,
  sampleSquashed,
} from "./algorithms/squashed-gaussian.ts";
export type { TwinRule, Twins } from "./algorithms/twin-critic.ts";
export * as ops from "./compile/ops.ts";
export type { Tensor } from "./compile/tensor.ts";
