import {
  add,
  conv2d,
  div,
  erf,
  linear,
  matmul,
  minimum,
  mul,
  reciprocal,
  relu,
  reshape,
  sigmoid,
  sqrt,
  square,
  standardize,
  stopGradient,
  sum,
  type Tensor,
  tanh,
  transpose,
} from "../compile/ops.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import {
  constant,
  type Initialisation,
  type Initialiser,
  orthogonal,
  uniformFanIn,
  unitVector,
} from "./initialisers.ts";

/** A function with parameters that live in a group under its own names. */
export interface Layer {
  readonly parameters: readonly ParameterSpec[];
  /** [n, input size] -> [n, output size]; `probe` is shown the hidden units on the way. */
  forward(parameters: Parameters, x: Tensor, probe?: Probe): Tensor;
  /** New values of parameters that no gradient moves, for an update to carry over; left out: none. */
  carry?(parameters: Parameters): Parameters;
}

/** Is given what a layer's units say, [n, units], after their activation. */
export type Probe = (units: Tensor) => void;

export type Activation = "relu" | "tanh" | "silu" | "gelu";

const activations: Readonly<Record<Activation, (x: Tensor) => Tensor>> = {
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

export interface ConvolutionLayerOptions {
  readonly name: string;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly stride: number;
}

/** Rows and columns of a kernel. */
const KERNEL = 3;

/** Rows or columns that a convolution without padding makes of `length`. */
export function convolved(length: number, stride: number): number {
  return Math.floor((length - KERNEL) / stride) + 1;
}

/**
 * 3 x 3 convolution without padding, [n, channels, height, width], as `<name>.kernel` and `<name>.bias`.
 * Kernels start orthogonal with the gain of ReLUs, biases at 0.
 */
export function convolution(options: ConvolutionLayerOptions): Layer {
  const { name, inputChannels, outputChannels, stride } = options;
  const fanIn = inputChannels * KERNEL * KERNEL;
  const kernel = {
    name: `${name}.kernel`,
    shape: [outputChannels, inputChannels, KERNEL, KERNEL],
    init: orthogonal(outputChannels, fanIn, Math.SQRT2),
    isConvolution: true,
  } as const;
  const bias = { name: `${name}.bias`, shape: [outputChannels], init: constant(0) } as const;
  return {
    parameters: [kernel, { ...bias, isConvolution: true }],
    forward: (parameters, x) =>
      add(
        conv2d(x, parameter(parameters, kernel.name), { stride }),
        reshape(parameter(parameters, bias.name), [outputChannels, 1, 1]),
      ),
  };
}

/**
 * x W' + b, where W' is W scaled down to a spectral norm of at most `bound`:
 *
 *     W' = W min(1, bound / sigma),   sigma = v W u',   v = norm(W u),  u' = norm(W^T v)
 *
 * sigma is what power iteration has found of W's largest singular value; it takes one step an update, from u
 * to u', which is kept as `<name>.direction`, and holds both fixed in the gradient.
 *
 * Source: Miyato et al. 2018, arXiv 1802.05957; as a bound: Zheng et al. 2023, OpenReview hNyJBk3CwR.
 */
export function boundedDense(options: DenseOptions, bound: number): Layer {
  const { name, outputSize } = options;
  const plain = dense(options);
  return {
    parameters: [
      ...plain.parameters,
      { name: `${name}.direction`, shape: [outputSize], init: unitVector },
    ],
    forward: (parameters, x) => {
      const weight = parameter(parameters, `${name}.weight`);
      const { left, right } = powerStep(parameters, name);
      const sigma = sum(mul(matmul(left, weight), right));
      const scale = minimum(mul(reciprocal(sigma), bound), 1);
      return linear(x, mul(weight, scale), parameter(parameters, `${name}.bias`));
    },
    carry: (parameters) => ({
      [`${name}.direction`]: reshape(powerStep(parameters, name).right, [outputSize]),
    }),
  };
}

/** v, [1, input size], and u', [1, output size]: constants. */
function powerStep(
  parameters: Parameters,
  name: string,
): Readonly<Record<"left" | "right", Tensor>> {
  const weight = stopGradient(parameter(parameters, `${name}.weight`));
  const [, outputSize = 1] = weight.shape;
  const direction = stopGradient(parameter(parameters, `${name}.direction`));
  const left = unit(matmul(reshape(direction, [1, outputSize]), transpose(weight)));
  return { left, right: unit(matmul(left, weight)) };
}

/** Keeps 0 / 0 away; next to nothing in float32. */
const TINY = 1e-30;

function unit(vector: Tensor): Tensor {
  return div(vector, sqrt(add(sum(square(vector)), TINY)));
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
    ...carryOf(layers),
  };
}

/** x + inner(x). */
export function residual(inner: Layer): Layer {
  return {
    parameters: inner.parameters,
    forward: (parameters, x, probe) => add(x, inner.forward(parameters, x, probe)),
    ...carryOf([inner]),
  };
}

/** What all of `layers` carry over together, if any does. */
export function carryOf(layers: readonly Pick<Layer, "carry">[]): Pick<Layer, "carry"> {
  const carrying = layers.flatMap(({ carry }) => (carry ? [carry] : []));
  if (carrying.length === 0) return {};
  return {
    carry: (parameters) =>
      Object.fromEntries(carrying.flatMap((carry) => Object.entries(carry(parameters)))),
  };
}

function parameter(parameters: Parameters, name: string): Tensor {
  const found = parameters[name];
  if (found === undefined) throw new RangeError(`no parameter ${name}`);
  return found;
}
