import { linear, relu, type Tensor, tanh } from "../compile/ops.ts";
import { RandomStream } from "../math/random.ts";
import type { Algorithm, ParameterSpec, Parameters } from "./algorithm.ts";
import { constant, type Initialisation, orthogonal, uniformFanIn } from "./initialisers.ts";

export type Activation = "relu" | "tanh";

const activations: Readonly<Record<Activation, (x: Tensor) => Tensor>> = { relu, tanh };

export interface NetworkOptions {
  /** Units of each hidden layer. */
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly initialisation: Initialisation;
}

/** What names a network among its group's parameters and joins it to its neighbours. */
export interface NetworkShape {
  /** Put before every parameter name, e.g. "q1."; may be empty. */
  readonly prefix: string;
  readonly inputSize: number;
  readonly outputSize: number;
  /** Scale of orthogonal output weights; 1 when left out. */
  readonly outputGain?: number;
}

/** A function with parameters that live in a group under its own names. */
export interface Network {
  readonly parameters: readonly ParameterSpec[];
  /** [n, inputSize] -> [n, outputSize]. */
  forward(parameters: Parameters, x: Tensor): Tensor;
}

/** Linear layers `hidden0 .. hiddenN, output`, an activation after each but the last. */
export function mlp(shape: NetworkShape, options: NetworkOptions): Network {
  const { hidden } = options;
  const layers = [...hidden, shape.outputSize].map((outputSize, i): LinearLayer => {
    const isOutput = i === hidden.length;
    return {
      name: shape.prefix + (isOutput ? "output" : `hidden${i}`),
      inputSize: hidden[i - 1] ?? shape.inputSize,
      outputSize,
      gain: isOutput ? (shape.outputGain ?? 1) : Math.SQRT2,
    };
  });
  const activate = activations[options.activation];
  return {
    parameters: layers.flatMap((layer) => layerParameters(layer, options.initialisation)),
    forward: (parameters, x) =>
      layers.reduce((input, layer, i) => {
        const weight = parameter(parameters, `${layer.name}.weight`);
        const bias = parameter(parameters, `${layer.name}.bias`);
        const output = linear(input, weight, bias);
        return i < hidden.length ? activate(output) : output;
      }, x),
  };
}

interface LinearLayer {
  readonly name: string;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly gain: number;
}

function layerParameters(layer: LinearLayer, initialisation: Initialisation): ParameterSpec[] {
  const { name, inputSize, outputSize, gain } = layer;
  const uniform = uniformFanIn(inputSize);
  const weight = initialisation === "uniform" ? uniform : orthogonal(inputSize, outputSize, gain);
  const bias = initialisation === "uniform" ? uniform : constant(0);
  return [
    { name: `${name}.weight`, shape: [inputSize, outputSize], init: weight },
    { name: `${name}.bias`, shape: [outputSize], init: bias },
  ];
}

function parameter(parameters: Parameters, name: string): Tensor {
  const found = parameters[name];
  if (found === undefined) throw new RangeError(`no parameter ${name}`);
  return found;
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
