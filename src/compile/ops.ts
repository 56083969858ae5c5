/**
 * The operations that losses and policies are written with: jax-js, with arguments that are borrowed
 * instead of consumed, and with values and derivatives that stay finite where jax-js's do not.
 */
import { valueAndGrad as jaxValueAndGrad, jit, lax, numpy as np } from "@jax-js/jax";
import { adopt, lend, lendTree, type Operand, type Tensor, type TensorTree } from "./tensor.ts";

export type { Operand, Tensor, TensorTree } from "./tensor.ts";

export type ElementType = "float32" | "int32" | "bool";
/** One axis, several, or (left out) all of them; negative counts from the end. */
export type Axis = number | readonly number[];
export interface ReduceOptions {
  /** Leave reduced axes in place with length 1. */
  readonly keepDims?: boolean;
}

type Unary = (x: np.Array) => np.Array;

const toArray = (x: Operand): np.Array => (typeof x === "number" ? np.array(x) : lend(x));

// --- Making tensors -----------------------------------------------------------------------------

export function fromArray(values: Float32Array | Int32Array, shape: readonly number[]): Tensor {
  return adopt(np.array(values.slice(), { shape: [...shape] }));
}

export function scalar(value: number): Tensor {
  return adopt(np.array(value, { dtype: np.float32 }));
}

export function zeros(shape: readonly number[]): Tensor {
  return adopt(np.zeros([...shape]));
}

export function ones(shape: readonly number[]): Tensor {
  return adopt(np.ones([...shape]));
}

/** 0, 1, ..., n - 1 as int32, [n]. */
export function arange(n: number): Tensor {
  return adopt(np.arange(0, n, 1, { dtype: np.int32 }));
}

/** The numbers of a tensor, row-major; only outside traced functions. */
export async function read(tensor: Tensor): Promise<Float32Array | Int32Array> {
  const data = await lend(tensor).data();
  if (data instanceof Float32Array || data instanceof Int32Array) return data;
  throw new TypeError(`cannot read ${data.constructor.name}`);
}

// --- Arithmetic, element by element, with NumPy's broadcasting ------------------------------------

export function add(a: Operand, b: Operand): Tensor {
  return adopt(np.add(lend(a), lend(b)));
}

export function sub(a: Operand, b: Operand): Tensor {
  return adopt(np.subtract(lend(a), lend(b)));
}

export function mul(a: Operand, b: Operand): Tensor {
  return adopt(np.multiply(lend(a), lend(b)));
}

export function div(a: Operand, b: Operand): Tensor {
  if (typeof b === "number") return mul(a, 1 / b);
  return adopt(np.trueDivide(lend(a), lend(b)));
}

export function neg(x: Tensor): Tensor {
  return adopt(np.negative(lend(x)));
}

export function reciprocal(x: Tensor): Tensor {
  return adopt(np.reciprocal(lend(x)));
}

export function exp(x: Tensor): Tensor {
  return adopt(np.exp(lend(x)));
}

export function log(x: Tensor): Tensor {
  return adopt(np.log(lend(x)));
}

export function sqrt(x: Tensor): Tensor {
  return adopt(np.sqrt(lend(x)));
}

export function square(x: Tensor): Tensor {
  return mul(x, x);
}

/** x to a whole power, by repeated multiplication; negative powers divide. */
export function power(x: Tensor, exponent: number): Tensor {
  if (!Number.isInteger(exponent)) throw new RangeError(`power ${exponent} is not whole`);
  if (exponent < 0) return reciprocal(power(x, -exponent));
  if (exponent === 0) return add(mul(x, 0), 1);
  if (exponent === 1) return x;
  const half = power(x, Math.floor(exponent / 2));
  return exponent % 2 === 0 ? square(half) : mul(square(half), x);
}

export function erf(x: Tensor): Tensor {
  return adopt(lax.erf(lend(x)));
}

/** Rounds down; its gradient is zero. */
export function floor(x: Tensor): Tensor {
  return adopt(np.floor(lend(x)));
}

/** The smaller of two; the gradient follows the one taken, `a` on a tie. */
export function minimum(a: Operand, b: Operand): Tensor {
  return adopt(np.minimum(lend(a), lend(b)));
}

/** The larger of two; the gradient follows the one taken, `a` on a tie. */
export function maximum(a: Operand, b: Operand): Tensor {
  return adopt(np.maximum(lend(a), lend(b)));
}

/** min(max(x, low), high); outside of the bounds the gradient is zero. */
export function clip(x: Tensor, low: Operand, high: Operand): Tensor {
  return minimum(maximum(x, low), high);
}

export function equal(a: Operand, b: Operand): Tensor {
  return adopt(np.equal(lend(a), lend(b)));
}

export function greater(a: Operand, b: Operand): Tensor {
  return adopt(np.greater(lend(a), lend(b)));
}

export function less(a: Operand, b: Operand): Tensor {
  return adopt(np.less(lend(a), lend(b)));
}

/** `yes` where the bool tensor `condition` is true, `no` elsewhere. */
export function where(condition: Tensor, yes: Operand, no: Operand): Tensor {
  return adopt(np.where(lend(condition), lend(yes), lend(no)));
}

export function cast(x: Tensor, type: ElementType): Tensor {
  return adopt(lend(x).astype(np[type]));
}

/** The same value, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return adopt(lax.stopGradient(lend(x)));
}

// --- Functions with a name in the compiled graph and a derivative of our choosing -------------------

/**
 * `value(x)` with the derivative `tangent`, a linear map that may look at the value:
 * y = stop(value(x)) + tangent(x - stop(x)). The second term is zero (the compiler knows and drops
 * it) but carries the gradient. jax-js has no custom derivatives; its own of these functions
 * overflow or take a dozen operations.
 */
function withTangent(
  x: Tensor,
  value: Unary,
  tangent: (dx: Tensor, y: Tensor, x: Tensor) => Tensor,
): Tensor {
  const held = stopGradient(x);
  const y = stopGradient(adopt(value(lend(held))));
  return add(y, tangent(sub(x, held), y, held));
}

/**
 * `value`, [n], as a function of `x`, [n, m], with the given slope, [n, m]: for functions whose slope is
 * simpler than what their parts' slopes add up to. No gradient flows through value or slope.
 */
export function withSlope(x: Tensor, value: Tensor, slope: Tensor): Tensor {
  const change = sub(x, stopGradient(x));
  return add(stopGradient(value), sum(mul(stopGradient(slope), change), -1));
}

/**
 * log(1 + u) for u in [0, 1], as 2 atanh(u / (2 + u)) by its series, whose next term is below 1e-9.
 * jax-js's own log is off by 1e-5 near 1.
 */
function logOnePlus(u: np.Array): np.Array {
  const s = np.trueDivide(u.ref, np.add(u, 2));
  const square = np.multiply(s.ref, s.ref);
  let series = np.multiply(square.ref, 1 / 15);
  for (const n of [13, 11, 9, 7, 5, 3]) {
    series = np.multiply(np.add(series, 1 / n), square.ref);
  }
  square.dispose();
  return np.multiply(np.multiply(np.add(series, 1), s), 2);
}

// The compiler knows these by the names of the functions given to `jit`: see trace.ts.
const jitTanh = jit(function tanh(x: np.Array) {
  return np.tanh(x);
});
const jitSigmoid = jit(function sigmoid(x: np.Array) {
  const small = np.exp(np.negative(np.absolute(x.ref))); // in (0, 1]: never overflows
  const far = np.reciprocal(np.add(small.ref, 1));
  return np.where(np.less(x, 0), np.multiply(small, far.ref), far);
});
const jitSoftplus = jit(function softplus(x: np.Array) {
  const small = np.exp(np.negative(np.absolute(x.ref)));
  return np.add(np.maximum(x, 0), logOnePlus(small));
});
const jitRelu = jit(function relu(x: np.Array) {
  return np.maximum(x, 0);
});
const jitAbs = jit(function abs(x: np.Array) {
  return np.absolute(x);
});
const jitSign = jit(function sign(x: np.Array) {
  return np.sign(x);
});
const jitStep = jit(function step(x: np.Array) {
  return np.where(np.less(0, x), 1, 0);
});
const jitSoftmax = jit(function softmax(x: np.Array) {
  const weights = np.exp(np.subtract(x.ref, np.max(x, -1, { keepdims: true })));
  return np.trueDivide(weights.ref, np.sum(weights, -1, { keepdims: true }));
});
const jitLogSoftmax = jit(function logSoftmax(x: np.Array) {
  const shifted = np.subtract(x.ref, np.max(x, -1, { keepdims: true }));
  const total = np.sum(np.exp(shifted.ref), -1, { keepdims: true });
  return np.subtract(shifted, np.log(total));
});

// The places of the cells, 0 to m - 1, are an argument: jit would put a constant before the others.
const jitDeposit = jit(function deposit(mass: np.Array, positions: np.Array, places: np.Array) {
  const [rows = 0, cells = 0] = mass.shape;
  const distance = np.absolute(
    np.subtract(np.reshape(positions, [rows, 1, cells]), np.reshape(places, [1, cells, 1])),
  );
  const share = np.maximum(np.subtract(1, distance), 0);
  return np.sum(np.multiply(share, np.reshape(mass, [rows, 1, cells])), -1);
});

/** Added to variances, as in Flax. */
const VARIANCE_FLOOR = 1e-6;

const inverseOfDeviation = (x: np.Array, centre: np.Array): np.Array => {
  const centred = np.subtract(x, centre);
  const variance = np.mean(np.multiply(centred.ref, centred), -1, { keepdims: true });
  return np.reciprocal(np.sqrt(np.add(variance, VARIANCE_FLOOR)));
};
const jitInverseDeviation = jit(function inverseDeviation(x: np.Array) {
  return inverseOfDeviation(x.ref, np.mean(x, -1, { keepdims: true }));
});
const jitStandardize = jit(function standardize(x: np.Array) {
  const centre = np.mean(x.ref, -1, { keepdims: true });
  const scale = inverseOfDeviation(x.ref, centre.ref);
  return np.multiply(np.subtract(x, centre), scale);
});

export function tanh(x: Tensor): Tensor {
  return withTangent(x, jitTanh, (dx, y) => mul(dx, sub(1, square(y))));
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(x: Tensor): Tensor {
  return withTangent(x, jitSigmoid, (dx, y) => mul(dx, mul(y, sub(1, y))));
}

/** log(1 + exp(x)). */
export function softplus(x: Tensor): Tensor {
  return withTangent(x, jitSoftplus, (dx, _y, held) => mul(dx, adopt(jitSigmoid(lend(held)))));
}

/** max(x, 0), with gradient 0 at 0. The mask looks at the result, so x need not be kept. */
export function relu(x: Tensor): Tensor {
  return withTangent(x, jitRelu, (dx, y) => mul(dx, adopt(jitStep(lend(y)))));
}

export function abs(x: Tensor): Tensor {
  return withTangent(x, jitAbs, (dx, _y, held) => mul(dx, sign(held)));
}

/** -1, 0 or 1; its gradient is zero. */
export function sign(x: Tensor): Tensor {
  return adopt(jitSign(lend(stopGradient(x))));
}

/** exp(x) / sum exp(x) over the last axis. */
export function softmax(x: Tensor): Tensor {
  return withTangent(x, jitSoftmax, (dx, y) =>
    mul(y, sub(dx, sum(mul(y, dx), -1, { keepDims: true }))),
  );
}

/** log softmax over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  return withTangent(x, jitLogSoftmax, (dx, y) =>
    sub(dx, sum(mul(exp(y), dx), -1, { keepDims: true })),
  );
}

/**
 * Each row, over the last axis, less its mean and divided by its standard deviation:
 * dy = s (dx - mean(dx) - y mean(y dx)), s the inverse deviation.
 */
export function standardize(x: Tensor): Tensor {
  return withTangent(x, jitStandardize, (dx, y, held) => {
    const centred = sub(dx, mean(dx, -1, { keepDims: true }));
    const stretch = mul(y, mean(mul(y, dx), -1, { keepDims: true }));
    return mul(sub(centred, stretch), adopt(jitInverseDeviation(lend(held))));
  });
}

/** log sum exp(x), with the largest element taken out of the sum. */
export function logSumExp(x: Tensor, axis: Axis = -1, options: ReduceOptions = {}): Tensor {
  const largest = stopGradient(max(x, axis, { keepDims: true }));
  const total = add(log(sum(exp(sub(x, largest)), axis, { keepDims: true })), largest);
  return options.keepDims ? total : squeeze(total, axis);
}

// --- Reductions -----------------------------------------------------------------------------------

type Reduction = (x: np.Array, axis: number[] | null, options: { keepdims: boolean }) => np.Array;

function reduce(
  reduction: Reduction,
  x: Tensor,
  [axis, options]: [Axis | undefined, ReduceOptions],
) {
  const axes = axis === undefined ? null : typeof axis === "number" ? [axis] : [...axis];
  return adopt(reduction(lend(x), axes, { keepdims: options.keepDims ?? false }));
}

export function sum(x: Tensor, axis?: Axis, options: ReduceOptions = {}): Tensor {
  return reduce(np.sum, x, [axis, options]);
}

export function mean(x: Tensor, axis?: Axis, options: ReduceOptions = {}): Tensor {
  return reduce(np.mean, x, [axis, options]);
}

export function max(x: Tensor, axis?: Axis, options: ReduceOptions = {}): Tensor {
  return reduce(np.max, x, [axis, options]);
}

export function min(x: Tensor, axis?: Axis, options: ReduceOptions = {}): Tensor {
  return reduce(np.min, x, [axis, options]);
}

/** Index of the largest element, the first of equals, as int32. */
export function argmax(x: Tensor, axis = -1, options: ReduceOptions = {}): Tensor {
  return adopt(np.argmax(lend(x), axis, { keepdims: options.keepDims ?? false }));
}

// --- Products ---------------------------------------------------------------------------------------

/** Matrix product over the last two axes, leading axes broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return adopt(np.matmul(lend(a), lend(b)));
}

/** x w + b: [..., in] by [in, out] plus [out]. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return add(matmul(x, weight), bias);
}

/** @see conv2d. `padding` is on each side, rows then columns. */
export interface ConvolutionOptions {
  readonly stride?: number;
  readonly padding?: readonly [number, number];
}

/** Convolution of [n, channels, height, width] with [out, channels, kernel height, kernel width]. */
export function conv2d(x: Tensor, kernel: Tensor, options: ConvolutionOptions = {}): Tensor {
  const stride = options.stride ?? 1;
  const [rows, columns] = options.padding ?? [0, 0];
  return adopt(
    lax.convGeneralDilated(
      lend(x),
      lend(kernel),
      [stride, stride],
      [
        [rows, rows],
        [columns, columns],
      ],
    ),
  );
}

// --- Picking ----------------------------------------------------------------------------------------

/** Ones at `indices`, zeros elsewhere, float32: [...] int32 -> [..., classes]. */
export function oneHot(indices: Tensor, classes: number): Tensor {
  const expanded = reshape(indices, [...indices.shape, 1]);
  return cast(equal(expanded, arange(classes)), "float32");
}

/** Rows of `x` along `axis` at the int32 `indices`. */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  return adopt(np.take(lend(x), lend(indices), axis));
}

/**
 * x[..., indices[..., k]] over the last axis: [..., n] by [..., m] int32 -> [..., m]. A selection
 * from all n by comparison: for n up to a few hundred that beats a gather, and above all its
 * gradient, a scatter.
 */
export function takeAlongAxis(x: Tensor, indices: Tensor): Tensor {
  const classes = x.shape.at(-1) ?? 1;
  const chosen = equal(reshape(indices, [...indices.shape, 1]), arange(classes));
  const candidates = reshape(x, [...x.shape.slice(0, -1), 1, classes]);
  return sum(where(chosen, candidates, 0), -1);
}

/**
 * Each mass, [n, m], put down at a position between cells 0 and m - 1, [n, m], and shared by the two cells
 * beside it in proportion to its nearness: out_i = sum_j mass_j max(0, 1 - |position_j - i|). The
 * gradient is zero.
 */
export function deposit(mass: Tensor, positions: Tensor): Tensor {
  const places = np.arange(0, mass.shape.at(-1) ?? 1, 1, { dtype: np.float32 });
  return adopt(jitDeposit(lend(stopGradient(mass)), lend(stopGradient(positions)), places));
}

// --- Movement ---------------------------------------------------------------------------------------

export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  return adopt(np.reshape(lend(x), [...shape]));
}

function squeeze(x: Tensor, axis: Axis): Tensor {
  const axes = typeof axis === "number" ? [axis] : axis;
  const gone = new Set(axes.map((a) => (a < 0 ? a + x.shape.length : a)));
  return reshape(
    x,
    x.shape.filter((_, i) => !gone.has(i)),
  );
}

/** Permutes the axes; without `permutation` reverses them. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  return adopt(permutation ? np.transpose(lend(x), [...permutation]) : np.transpose(lend(x)));
}

export function broadcastTo(x: Operand, shape: readonly number[]): Tensor {
  return adopt(np.broadcastTo(lend(x), [...shape]));
}

export function concat(parts: readonly Tensor[], axis = -1): Tensor {
  return adopt(
    np.concatenate(
      parts.map((part) => lend(part)),
      axis,
    ),
  );
}

/** Joins along a new axis. */
export function stack(parts: readonly Operand[], axis = 0): Tensor {
  return adopt(np.stack(parts.map(toArray), axis));
}

/** Cuts into pieces of the given sizes. */
export function split(x: Tensor, sizes: readonly number[], axis = -1): Tensor[] {
  const ends = sizes.slice(0, -1).map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0));
  return np.split(lend(x), ends, axis).map((part) => adopt(part));
}

/** Elements start..end-1 along `axis`. */
export function slice(x: Tensor, range: readonly [start: number, end: number], axis = -1): Tensor {
  const at = axis < 0 ? axis + x.shape.length : axis;
  const index = x.shape.map((_, i): [] | [number, number] => (i === at ? [...range] : []));
  return adopt(lend(x).slice(...index));
}

export function flip(x: Tensor, axis: number): Tensor {
  return adopt(np.flip(lend(x), axis));
}

/** Adds `widths[i] = [before, after]` zeros along axis i. */
export function pad(x: Tensor, widths: readonly (readonly [number, number])[]): Tensor {
  return adopt(
    np.pad(
      lend(x),
      widths.map(([before, after]): [number, number] => [before, after]),
    ),
  );
}

// --- Differentiation ----------------------------------------------------------------------------------

export interface ValueAndGradient<P, A> {
  /** Scalar, []. */
  readonly value: Tensor;
  readonly aux: A;
  /** The value's derivative, shaped like the argument. */
  readonly gradient: P;
}

/** Value, by-products and gradient of `fn` at `at`. */
export function valueAndGrad<P extends TensorTree, A extends TensorTree>(
  fn: (at: P) => { readonly value: Tensor; readonly aux: A },
  at: P,
): ValueAndGradient<P, A> {
  // jax-js types its trees by its own array; ours is that array under another name.
  const pair = (x: P): [np.Array, A] => {
    const { value, aux } = fn(x);
    return [lend(value), lendTree(aux)];
  };
  const differentiate = jaxValueAndGrad(pair as never, { hasAux: true }) as unknown as (
    x: P,
  ) => [[np.Array, A], P];
  const [[value, aux], gradient] = differentiate(lendTree(at));
  return { value: adopt(value), aux, gradient };
}
