import { mul, reshape, sub, type Tensor } from "../compile/ops.ts";
import type { ImageSpace } from "../envs/env.ts";
import type { ParameterSpec, Parameters } from "./algorithm.ts";
import { activate, convolution, convolved, sequence } from "./layers.ts";

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
      const features = stack.forward(parameters, sub(mul(images, 1 / 255), 0.5));
      return reshape(features, [n, outputSize]);
    },
  };
}
