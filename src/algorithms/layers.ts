import {
  add,
  erf,
  linear,
  mul,
  relu,
  sigmoid,
  standardize,
  type Tensor,
  tanh,
} from "../compile/ops.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import {
  constant,
  type Initialisation,
  type Initialiser,
  orthogonal,
  uniformFanIn,
} from "./initialisers.ts";

/** A function with parameters that live in a group under its own names. */
export interface Layer {
  readonly parameters: readonly ParameterSpec[];
  /** [n, input size] -> [n, output size]; `probe` is shown the hidden units on the way. */
  forward(parameters: Parameters, x: Tensor, probe?: Probe): Tensor;
}

/** Is given what a layer's units say, [n, units], after their activation. */
export type Probe = (units: Tensor) => void;

export type Activation = "relu" | "tanh" | "silu" | "gelu";

export const activations: Readonly<Record<Activation, (x: Tensor) => Tensor>> = {
  relu,
  tanh,
  silu: (x) => mul(x, sigmoid(x)),
  gelu: (x) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
};

export interface DenseOptions {
  readonly name: string;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly initialisation: Initialisation;
  /** Scale of orthogonal weights. */
  readonly gain: number;
  /** In place of what `initialisation` says. */
  readonly init?: { readonly weight: Initialiser; readonly bias: Initialiser };
}

/** x W + b, as `<name>.weight` and `<name>.bias`. */
export function dense(options: DenseOptions): Layer {
  const { name, inputSize, outputSize, initialisation, gain } = options;
  const isUniform = initialisation === "uniform";
  const uniform = uniformFanIn(inputSize);
  const init = options.init ?? {
    weight: isUniform ? uniform : orthogonal(inputSize, outputSize, gain),
    bias: isUniform ? uniform : constant(0),
  };
  return {
    parameters: [
      { name: `${name}.weight`, shape: [inputSize, outputSize], init: init.weight, isLinear: true },
      { name: `${name}.bias`, shape: [outputSize], init: init.bias, isLinear: true },
    ],
    forward: (parameters, x) =>
      linear(x, parameter(parameters, `${name}.weight`), parameter(parameters, `${name}.bias`)),
  };
}

/**
 * Each row to mean 0 and variance 1, then scaled and shifted by `<name>.scale` and `<name>.shift`.
 * Source: Ba et al. 2016, arXiv 1607.06450.
 */
export function layerNorm(name: string, size: number): Layer {
  return {
    parameters: [
      { name: `${name}.scale`, shape: [size], init: constant(1) },
      { name: `${name}.shift`, shape: [size], init: constant(0) },
    ],
    forward: (parameters, x) =>
      add(
        mul(standardize(x), parameter(parameters, `${name}.scale`)),
        parameter(parameters, `${name}.shift`),
      ),
  };
}

/** A function of each element, without parameters, that makes what a layer's units say. */
export function activate(activation: Activation): Layer {
  return {
    parameters: [],
    forward: (_parameters, x, probe) => {
      const units = activations[activation](x);
      probe?.(units);
      return units;
    },
  };
}

/** One layer after another. */
export function sequence(...layers: readonly Layer[]): Layer {
  return {
    parameters: layers.flatMap((layer) => layer.parameters),
    forward: (parameters, x, probe) =>
      layers.reduce((y, layer) => layer.forward(parameters, y, probe), x),
  };
}

/** x + inner(x). */
export function residual(inner: Layer): Layer {
  return {
    parameters: inner.parameters,
    forward: (parameters, x, probe) => add(x, inner.forward(parameters, x, probe)),
  };
}

function parameter(parameters: Parameters, name: string): Tensor {
  const found = parameters[name];
  if (found === undefined) throw new RangeError(`no parameter ${name}`);
  return found;
}
