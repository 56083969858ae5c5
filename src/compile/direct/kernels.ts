/** Loops over whole tensors whose shapes are known when they are made; results are rounded to float32. */

/** A tensor of a bound program; tensors of equal content may share `data`. */
export interface Cell {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Computes one node from the cells it was made with. */
export type Kernel = () => void;

export const unaryFunctions: Readonly<Record<string, (x: number) => number>> = {
  Abs: Math.abs,
  Exp: Math.exp,
  Log: Math.log,
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(x, 0),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Sqrt: Math.sqrt,
  Tanh: Math.tanh,
};

export const binaryFunctions: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Mul: (a, b) => a * b,
  Sub: (a, b) => a - b,
};

export function unary(f: (x: number) => number, x: Cell, out: Cell): Kernel {
  const [from, to] = [x.data, out.data];
  return () => {
    for (let i = 0; i < to.length; i++) to[i] = f(from[i]!);
  };
}

/** Inputs broadcast to the output's shape. */
export function binary(
  f: (a: number, b: number) => number,
  [a, b]: readonly [Cell, Cell],
  out: Cell,
): Kernel {
  const [left, right, to] = [a.data, b.data, out.data];
  if (left.length === to.length && right.length === to.length) {
    return () => {
      for (let i = 0; i < to.length; i++) to[i] = f(left[i]!, right[i]!);
    };
  }
  const [leftIndex, rightIndex] = [
    sourceIndex(a.shape, out.shape),
    sourceIndex(b.shape, out.shape),
  ];
  return () => {
    for (let i = 0; i < to.length; i++) to[i] = f(left[leftIndex[i]!]!, right[rightIndex[i]!]!);
  };
}

/** Of two shapes that broadcast against each other. Source: ONNX, "Multidirectional broadcasting". */
export function broadcastShape(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  const at = (shape: readonly number[], i: number): number => shape[i + shape.length - rank] ?? 1;
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
}

/** Where in a tensor of shape `from` each element of its broadcast to `to` comes from. */
function sourceIndex(from: readonly number[], to: readonly number[]): Int32Array {
  const strides = stridesOf(from).map((stride, i) => (from[i] === 1 ? 0 : stride));
  const aligned = [...Array<number>(to.length - from.length).fill(0), ...strides];
  const index = new Int32Array(sizeOf(to));
  for (let i = 0; i < index.length; i++) {
    let [rest, source] = [i, 0];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      source += (rest % to[axis]!) * aligned[axis]!;
      rest = Math.floor(rest / to[axis]!);
    }
    index[i] = source;
  }
  return index;
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) => sizeOf(shape.slice(i + 1)));
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Vector times matrix, for each row: out[r, j] = sum_k x[r, k] w[k, j] + bias[r, j]. */
export interface RowProduct {
  /** x[r, k] is x[r * xRow + k * xStep]. */
  readonly x: Float32Array;
  readonly xRow: number;
  readonly xStep: number;
  /** [inner, columns]. */
  readonly w: Float32Array;
  readonly inner: number;
  readonly columns: number;
  /** bias[r, j] is bias[r * biasRow + j * biasStep]. */
  readonly bias: Float32Array;
  readonly biasRow: number;
  readonly biasStep: number;
  /** [rows, columns]. */
  readonly out: Float32Array;
}

/** Four rows of the matrix at a time, so that sums are loaded and stored a quarter as often. */
export function rowProduct(product: RowProduct): Kernel {
  const { x, xRow, xStep, w, inner, columns, bias, biasRow, biasStep, out } = product;
  const sums = new Float64Array(columns);
  const whole = inner - (inner % 4);
  const accumulate = (start: number): void => {
    for (let k = 0; k < whole; k += 4) {
      const at = start + k * xStep;
      const [a, b] = [x[at]!, x[at + xStep]!];
      const [c, d] = [x[at + 2 * xStep]!, x[at + 3 * xStep]!];
      const first = k * columns;
      for (let j = 0; j < columns; j++) {
        const i = first + j;
        sums[j] =
          sums[j]! +
          (a * w[i]! + b * w[i + columns]! + c * w[i + 2 * columns]! + d * w[i + 3 * columns]!);
      }
    }
    for (let k = whole; k < inner; k++) {
      const factor = x[start + k * xStep]!;
      for (let j = 0; j < columns; j++) sums[j] = sums[j]! + factor * w[k * columns + j]!;
    }
  };
  return () => {
    for (let row = 0; row * columns < out.length; row++) {
      for (let j = 0; j < columns; j++) sums[j] = bias[row * biasRow + j * biasStep]!;
      accumulate(row * xRow);
      out.set(sums, row * columns);
    }
  };
}

/** Sums over groups of `length` neighbours, times `scale`. */
export function sumNeighbours(
  x: Cell,
  out: Cell,
  { length, scale }: Readonly<Record<"length" | "scale", number>>,
): Kernel {
  const [from, to] = [x.data, out.data];
  return () => {
    for (let i = 0; i < to.length; i++) {
      let sum = 0;
      for (let k = i * length; k < (i + 1) * length; k++) sum += from[k]!;
      to[i] = sum * scale;
    }
  };
}

/** Over the last axis: (x - mean) / sqrt(variance + epsilon) scale + bias. Source: Ba et al. 2016. */
export function layerNormalization(
  [x, scale, bias]: readonly [Cell, Cell, Cell | undefined],
  out: Cell,
  epsilon: number,
): Kernel {
  const size = scale.data.length;
  return () => {
    for (let start = 0; start < x.data.length; start += size) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += x.data[start + i]!;
      const mean = sum / size;
      let squares = 0;
      for (let i = 0; i < size; i++) squares += (x.data[start + i]! - mean) ** 2;
      const factor = 1 / Math.sqrt(squares / size + epsilon);
      for (let i = 0; i < size; i++) {
        const normal = (x.data[start + i]! - mean) * factor;
        out.data[start + i] = normal * scale.data[i]! + (bias?.data[i] ?? 0);
      }
    }
  };
}

/** Copies a run of `length` elements out of each `stride` of them. */
export function copyPart(
  from: Float32Array,
  to: Float32Array,
  { offset, stride, length }: Readonly<Record<"offset" | "stride" | "length", number>>,
): Kernel {
  return () => {
    let write = 0;
    for (let start = offset; write < to.length; start += stride) {
      for (let i = 0; i < length; i++) to[write++] = from[start + i]!;
    }
  };
}
