import { mul, reshape, sub, sum, type Tensor } from "../compile/ops.ts";
import type { ImageSpace } from "../envs/env.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import { activate, convolution, convolved, sequence } from "./layers.ts";

/** Where the first layer's parameters are. */
const [KERNEL, BIAS] = ["encoder0.kernel", "encoder0.bias"] as const;

/**
 * The parameters with pixels / 255 - 1/2 taken into the first layer: without padding every output sees a whole
 * kernel's worth of pixels, so conv(x / 255 - 1/2, k) = conv(x, k / 255) - sum(k) / 2.
 */
function centred(parameters: Parameters): Parameters {
  const { [KERNEL]: kernel, [BIAS]: bias } = parameters;
  if (!(kernel && bias)) throw new RangeError(`no parameter ${KERNEL}`);
  return {
    ...parameters,
    [KERNEL]: mul(kernel, 1 / 255),
    [BIAS]: sub(bias, mul(sum(kernel, [1, 2, 3]), 0.5)),
  };
}

export interface EncoderOptions {
  /** Of each convolution. */
  readonly channels: number;
  /** One convolution for each; with 3 x 3 kernels and without padding. */
  readonly strides: readonly number[];
}

/** What pixels go through before policy and critics see them. */
export interface Encoder {
  readonly parameters: readonly ParameterSpec[];
  readonly outputSize: number;
  /** [n, output size] from pixels from 0 to 255, [n, stack * channels * height * width]. */
  encode(parameters: Parameters, pixels: Tensor): Tensor;
}

/**
 * Convolutions with ReLUs, on pixels / 255 - 1/2.
 *
 * Source: Yarats et al. 2021, arXiv 2107.09645; facebookresearch/drqv2.
 *
 * @throws RangeError when nothing is left of the image.
 */
export function convolutionalEncoder(image: ImageSpace, options: EncoderOptions): Encoder {
  const { channels: outputChannels, strides } = options;
  const inputChannels = image.stack * image.channels;
  const { height, width } = image;
  const layers = strides.flatMap((stride, i) => [
    convolution({
      name: `encoder${i}`,
      inputChannels: i === 0 ? inputChannels : outputChannels,
      outputChannels,
      stride,
    }),
    activate("relu"),
  ]);
  const left = (length: number): number => strides.reduce(convolved, length);
  const [rows, columns] = [left(height), left(width)];
  if (Math.min(rows, columns) < 1) {
    throw new RangeError(
      `${strides.length} convolutions leave nothing of ${height} x ${width} pixels`,
    );
  }
  const stack = sequence(...layers);
  const outputSize = outputChannels * rows * columns;
  return {
    parameters: stack.parameters,
    outputSize,
    encode: (parameters, pixels) => {
      const [n = 1] = pixels.shape;
      const images = reshape(pixels, [n, inputChannels, height, width]);
      const features = stack.forward(centred(parameters), images);
      return reshape(features, [n, outputSize]);
    },
  };
}
