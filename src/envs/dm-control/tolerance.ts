/** How a tolerance falls off outside of its interval: S(d), d in margins from the nearest bound. */
export type ToleranceShape =
  | "gaussian"
  | "hyperbolic"
  | "long_tail"
  | "reciprocal"
  | "tanh_squared"
  | "cosine"
  | "linear"
  | "quadratic";

export interface ToleranceOptions {
  /** [lowest, highest] value that is as good as it gets; [0, 0] when left out. */
  readonly bounds?: readonly [number, number];
  /** Distance from the interval at which `valueAtMargin` is left; 0, when left out, is a cliff. */
  readonly margin?: number;
  /** gaussian when left out. */
  readonly shape?: ToleranceShape;
  /** 0.1 when left out. */
  readonly valueAtMargin?: number;
}

/** S with S(0) = 1 and S(1) = v. */
const shapes: Readonly<Record<ToleranceShape, (v: number) => (d: number) => number>> = {
  gaussian: (v) => {
    const scale = Math.sqrt(-2 * Math.log(v));
    return (d) => Math.exp(-0.5 * (d * scale) ** 2);
  },
  hyperbolic: (v) => {
    const scale = Math.acosh(1 / v);
    return (d) => 1 / Math.cosh(d * scale);
  },
  long_tail: (v) => {
    const scale = Math.sqrt(1 / v - 1);
    return (d) => 1 / ((d * scale) ** 2 + 1);
  },
  reciprocal: (v) => {
    const scale = 1 / v - 1;
    return (d) => 1 / (Math.abs(d) * scale + 1);
  },
  tanh_squared: (v) => {
    const scale = Math.atanh(Math.sqrt(1 - v));
    return (d) => 1 - Math.tanh(d * scale) ** 2;
  },
  cosine: (v) => {
    const scale = Math.acos(2 * v - 1) / Math.PI;
    return (d) => (Math.abs(d * scale) < 1 ? (1 + Math.cos(Math.PI * d * scale)) / 2 : 0);
  },
  linear: (v) => {
    const scale = 1 - v;
    return (d) => (Math.abs(d * scale) < 1 ? 1 - d * scale : 0);
  },
  quadratic: (v) => {
    const scale = Math.sqrt(1 - v);
    return (d) => (Math.abs(d * scale) < 1 ? 1 - (d * scale) ** 2 : 0);
  },
};

/** The shapes that reach 0, and so can be 0 at the margin. */
const REACHES_ZERO: readonly ToleranceShape[] = ["cosine", "linear", "quadratic"];

/**
 * The building block of the suite's rewards: 1 inside an interval, falling towards 0 outside of it.
 *
 * @throws RangeError when the interval, the margin or the value at the margin is impossible.
 * Source: google-deepmind/dm_control, dm_control/utils/rewards.py.
 */
export function tolerance(options: ToleranceOptions = {}): (x: number) => number {
  const { bounds = [0, 0], margin = 0, shape = "gaussian", valueAtMargin = 0.1 } = options;
  const [low, high] = bounds;
  if (!(low <= high)) throw new RangeError(`bounds [${low}, ${high}]`);
  if (!(margin >= 0)) throw new RangeError(`margin ${margin}`);
  const least = REACHES_ZERO.includes(shape) ? valueAtMargin >= 0 : valueAtMargin > 0;
  if (!(least && valueAtMargin < 1)) throw new RangeError(`value at margin ${valueAtMargin}`);
  const fall = shapes[shape](valueAtMargin);
  return (x) => {
    if (x >= low && x <= high) return 1;
    return margin === 0 ? 0 : fall((x < low ? low - x : x - high) / margin);
  };
}
