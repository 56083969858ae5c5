import { RandomStream } from "../math/random.ts";
import type { Algorithm } from "./algorithm.ts";
import type { Initialisation, Initialiser } from "./initialisers.ts";
import {
  type Activation,
  activate,
  boundedDense,
  type DenseOptions,
  dense,
  type Layer,
  layerNorm,
  residual,
  sequence,
} from "./layers.ts";

export type { Activation } from "./layers.ts";

/** What becomes of a hidden layer's output before its activation. */
export type Norm = "none" | "layer";

export interface NetworkOptions {
  /** Units of each hidden layer; of residual networks, which have one width, of each block. */
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly initialisation: Initialisation;
  /** Scale of orthogonal hidden weights of `mlp`; that of ReLUs, the root of 2, when left out. */
  readonly hiddenGain?: number;
  /** mlp when left out. */
  readonly architecture?: Architecture;
  /** Of `mlp` alone, the others have theirs; none when left out. */
  readonly norm?: Norm;
  /** Most that a layer but the last may stretch any input by: its spectral norm; no bound when left out. */
  readonly spectralNorm?: number;
}

/** What names a network among its group's parameters and joins it to its neighbours. */
export interface NetworkShape {
  /** Put before every parameter name, e.g. "q1."; may be empty. */
  readonly prefix: string;
  readonly inputSize: number;
  readonly outputSize: number;
  /** Scale of orthogonal output weights; 1 when left out. */
  readonly outputGain?: number;
  /** How the output layer starts, in place of what the options say. */
  readonly outputInit?: { readonly weight: Initialiser; readonly bias: Initialiser };
}

/** [n, inputSize] -> [n, outputSize]. */
export type Network = Layer;

/** All of a network but its output layer. */
export interface Body extends Layer {
  readonly outputSize: number;
}

type BodyShape = Pick<NetworkShape, "prefix" | "inputSize">;
type Build = (shape: BodyShape, options: NetworkOptions) => Body;

/** A new architecture is a function like its neighbours and a line here. */
const architectures = { mlp, bro, simba } satisfies Readonly<Record<string, Build>>;

export type Architecture = keyof typeof architectures;

export const architectureNames = Object.keys(architectures) as readonly Architecture[];

export function network(shape: NetworkShape, options: NetworkOptions): Network {
  const body = networkBody(shape, options);
  return sequence(body, output({ ...shape, inputSize: body.outputSize }, options));
}

/** What is left of a network without its output layer, for those with several heads. */
export function networkBody(shape: BodyShape, options: NetworkOptions): Body {
  return architectures[options.architecture ?? "mlp"](shape, options);
}

/** A linear layer of a body. */
function inner(
  { initialisation, spectralNorm }: NetworkOptions,
  layer: Omit<DenseOptions, "initialisation">,
): Layer {
  const complete = { ...layer, initialisation };
  return spectralNorm === undefined ? dense(complete) : boundedDense(complete, spectralNorm);
}

/** Linear layers `hidden0 .. hiddenN`, norm and activation after each. */
function mlp(shape: BodyShape, options: NetworkOptions): Body {
  const { hidden, activation, norm = "none", hiddenGain = Math.SQRT2 } = options;
  const { prefix } = shape;
  const layers = hidden.flatMap((outputSize, i) => {
    const inputSize = hidden[i - 1] ?? shape.inputSize;
    const name = `${prefix}hidden${i}`;
    return [
      inner(options, { name, inputSize, outputSize, gain: hiddenGain }),
      ...(norm === "layer" ? [layerNorm(`${prefix}norm${i}`, outputSize)] : []),
      activate(activation),
    ];
  });
  return { ...sequence(...layers), outputSize: hidden.at(-1) ?? shape.inputSize };
}

/**
 * BroNet: dense, norm and activation, then blocks of x + norm(dense(activation(norm(dense(x))))).
 * Source: Nauman et al. 2024, "Bigger, Regularized, Optimistic", arXiv 2405.16158, section 3.
 */
function bro({ prefix, inputSize }: BodyShape, options: NetworkOptions): Body {
  const { width, blocks } = residualSize(options);
  const activation = activate(options.activation);
  const square = { inputSize: width, outputSize: width, gain: Math.SQRT2 };
  const body = sequence(
    inner(options, { ...square, name: `${prefix}embed`, inputSize }),
    layerNorm(`${prefix}embedNorm`, width),
    activation,
    ...blocks.map((block) =>
      residual(
        sequence(
          inner(options, { ...square, name: `${prefix}${block}.dense0` }),
          layerNorm(`${prefix}${block}.norm0`, width),
          activation,
          inner(options, { ...square, name: `${prefix}${block}.dense1` }),
          layerNorm(`${prefix}${block}.norm1`, width),
        ),
      ),
    ),
  );
  return { ...body, outputSize: width };
}

/** A block's inner layer is this many times as wide as the stream it adds to. */
const SIMBA_EXPANSION = 4;

/**
 * SimBa: dense, then blocks of x + dense(activation(dense(norm(x)))) with an inner layer four times as
 * wide, then a norm. Source: Lee et al. 2024, arXiv 2410.09754, section 4.
 */
function simba({ prefix, inputSize }: BodyShape, options: NetworkOptions): Body {
  const { width, blocks } = residualSize(options);
  const activation = activate(options.activation);
  const wide = SIMBA_EXPANSION * width;
  const to = (name: string, sizes: readonly [number, number], gain: number): Layer =>
    inner(options, { name, inputSize: sizes[0], outputSize: sizes[1], gain });
  const body = sequence(
    to(`${prefix}embed`, [inputSize, width], 1),
    ...blocks.map((block) =>
      residual(
        sequence(
          layerNorm(`${prefix}${block}.norm`, width),
          to(`${prefix}${block}.dense0`, [width, wide], Math.SQRT2),
          activation,
          to(`${prefix}${block}.dense1`, [wide, width], 1),
        ),
      ),
    ),
    layerNorm(`${prefix}outputNorm`, width),
  );
  return { ...body, outputSize: width };
}

/** The linear layer `output` that ends a network. */
export function output(shape: NetworkShape, { initialisation }: NetworkOptions): Layer {
  const { prefix, inputSize, outputSize, outputGain = 1, outputInit } = shape;
  return dense({
    name: `${prefix}output`,
    inputSize,
    outputSize,
    initialisation,
    gain: outputGain,
    ...(outputInit ? { init: outputInit } : {}),
  });
}

/** @throws RangeError when the blocks are not all of one width. */
function residualSize({ hidden }: NetworkOptions): { width: number; blocks: readonly string[] } {
  const [width] = hidden;
  if (width === undefined || hidden.some((other) => other !== width)) {
    throw new RangeError(`blocks of one width are needed, not ${hidden.join(", ")}`);
  }
  return { width, blocks: hidden.map((_, i) => `block${i}`) };
}

/** The numbers of every group, by group and parameter name. */
export type ParameterValues = Record<string, Record<string, Float32Array>>;

/**
 * Parameters to start from. Each tensor has a random stream of its own, so a layer added or resized
 * does not move the others; targets are copies of their sources.
 */
export function initialParameters(algorithm: Algorithm, rootSeed: number): ParameterValues {
  const sources = new Map(algorithm.targets.map(({ target, source }) => [target, source]));
  const values: ParameterValues = {};
  for (const group of algorithm.groups) {
    const origin = sources.get(group.name) ?? group.name;
    const tensors: Record<string, Float32Array> = {};
    for (const { name, shape, init } of group.parameters) {
      const tensor = new Float32Array(shape.reduce((size, axis) => size * axis, 1));
      init(RandomStream.derive(rootSeed, "parameters", origin, name), tensor);
      tensors[name] = tensor;
    }
    values[group.name] = tensors;
  }
  return values;
}
