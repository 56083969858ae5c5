import { RunError } from "../../errors.ts";
import type { Emitter } from "./emitter.ts";
import { flipView, padView, reshapeView, shrinkView, transposeView } from "./movement.ts";
import { Value } from "./value.ts";
import { readWhole, shapeOf, type View, wholeView } from "./view.ts";

type Pair = readonly [number, number];

/** As in lax.conv_general_dilated, [n, channels, ...] by [out, channels, ...]. */
export interface Convolution {
  readonly vmapDims: number;
  readonly strides: readonly number[];
  readonly padding: readonly Pair[];
  readonly lhsDilation: readonly number[];
  readonly rhsDilation: readonly number[];
}

/**
 * ONNX knows neither dilated inputs nor negative padding, which the gradients of a convolution have:
 * zeros are put between the input's elements, and its edges are cut off.
 */
export function convolve(emitter: Emitter, [x, kernel]: readonly View[], c: Convolution): View {
  if (!(x && kernel)) throw new Error("a convolution has two operands");
  if (c.vmapDims > 0) {
    throw new RunError("COMPILE_UNSUPPORTED", "a convolution under vmap cannot be compiled");
  }
  const transposed = convolveTransposed(emitter, [x, kernel], c);
  if (transposed) return transposed;
  const spread = dilate(emitter, x, c.lhsDilation);
  const cropped = crop(emitter, spread, c.padding);
  const pads = c.padding.map(([before, after]): Pair => [Math.max(before, 0), Math.max(after, 0)]);
  const names = [readWhole(emitter, cropped), readWhole(emitter, kernel)];
  const kernelShape = shapeOf(kernel);
  const [name] = emitter.node("Conv", names, {
    kernel_shape: kernelShape.slice(2),
    strides: c.strides,
    dilations: c.rhsDilation,
    pads: [...pads.map(([before]) => before), ...pads.map(([, after]) => after)],
  });
  const shape = shapeOf(cropped);
  const spatial = c.strides.map((stride, i) => {
    const reach = ((kernelShape[i + 2] ?? 1) - 1) * (c.rhsDilation[i] ?? 1) + 1;
    const [before, after] = pads[i] ?? [0, 0];
    return Math.floor(((shape[i + 2] ?? 1) + before + after - reach) / stride) + 1;
  });
  return wholeView(Value.named(name, x.type, [shape[0] ?? 1, kernelShape[0] ?? 1, ...spatial]));
}

/**
 * The gradient of a convolution with strides, as the one operator that is made for it; undefined for what it
 * cannot say. It wants the kernel as it was before the gradient turned it round.
 */
function convolveTransposed(
  emitter: Emitter,
  [x, kernel]: readonly [View, View],
  c: Convolution,
): View | undefined {
  const isPlain = [...c.strides, ...c.rhsDilation].every((step) => step === 1);
  if (!isPlain || c.lhsDilation.every((step) => step === 1)) return undefined;
  const [outputs = 1, , ...reach] = shapeOf(kernel);
  const [n = 1, , ...spatial] = shapeOf(x);
  // What the operator adds by itself, less what is there; more is only possible after the end.
  const cuts = c.padding.map(([before, after], i): Pair => {
    const full = (reach[i] ?? 1) - 1;
    return [full - before, full - after];
  });
  const isSayable = cuts.every(
    ([before, after], i) => before >= 0 && -after < (c.lhsDilation[i] ?? 1),
  );
  if (!isSayable) return undefined;
  const turned = flipView(emitter, kernel, [2, 3]);
  const original = transposeView(turned, [1, 0, 2, 3]);
  const [name] = emitter.node(
    "ConvTranspose",
    [x, original].map((v) => readWhole(emitter, v)),
    {
      kernel_shape: reach,
      strides: c.lhsDilation,
      pads: [...cuts.map(([before]) => before), ...cuts.map(([, after]) => Math.max(after, 0))],
      output_padding: cuts.map(([, after]) => Math.max(-after, 0)),
    },
  );
  const lengths = spatial.map((length, i) => {
    const [before, after] = cuts[i] ?? [0, 0];
    return (length - 1) * (c.lhsDilation[i] ?? 1) + (reach[i] ?? 1) - before - after;
  });
  return wholeView(Value.named(name, x.type, [n, outputs, ...lengths]));
}

/** Puts `dilation - 1` zeros between neighbours along each spatial axis. */
function dilate(emitter: Emitter, view: View, dilation: readonly number[]): View {
  return dilation.reduce((current, step, i) => {
    if (step === 1) return current;
    const axis = i + 2;
    const shape = shapeOf(current);
    const length = shape[axis] ?? 1;
    const rows = reshapeView(emitter, current, shape.toSpliced(axis, 1, length, 1));
    const padded = padView(
      emitter,
      rows,
      [...shape, 1].map((_, k): Pair => (k === axis + 1 ? [0, step - 1] : [0, 0])),
    );
    const joined = reshapeView(emitter, padded, shape.with(axis, length * step));
    const kept = shape.with(axis, (length - 1) * step + 1);
    return shrinkView(
      emitter,
      joined,
      kept.map((n): Pair => [0, n]),
    );
  }, view);
}

function crop(emitter: Emitter, view: View, padding: readonly Pair[]): View {
  const ranges = shapeOf(view).map((length, axis): Pair => {
    const [before, after] = padding[axis - 2] ?? [0, 0];
    return axis < 2 ? [0, length] : [Math.max(0, -before), length - Math.max(0, -after)];
  });
  return shrinkView(emitter, view, ranges);
}
