import type { InputSpec } from "../algorithms/algorithm.ts";
import { RunError } from "../errors.ts";
import type { SymbolicLength } from "./lower/emitter.ts";
import { lower } from "./lower/lower.ts";
import { BARRIER } from "./program.ts";
import { splitRows } from "./split-rows.ts";
import type { Tensor } from "./tensor.ts";
import { trace } from "./trace.ts";

/** A function over named tensors. */
export type TensorFunction = (inputs: Readonly<Record<string, Tensor>>) => Record<string, Tensor>;

export interface CompileOptions {
  /** Named in error messages. */
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  /** Leaves a length open: inputs have `size`, a prime, in its place. */
  readonly symbolic?: SymbolicLength;
  /** Leaves inputs out of the program that no result depends on. */
  readonly omitUnusedInputs?: boolean;
  /** For programs with large results: they are only written into the bound buffers. */
  readonly writesInPlace?: boolean;
}

/**
 * The ONNX model of `fn`: float32 inputs in the order given, outputs by the names it returns. Any
 * thread can run the bytes with `Program.load`; only this one needs jax-js.
 *
 * @throws RunError COMPILE_UNSUPPORTED for an operation that has no ONNX form.
 */
export function compile(fn: TensorFunction, options: CompileOptions): Uint8Array {
  const { name, inputs, symbolic, omitUnusedInputs = false, writesInPlace = false } = options;
  let outputs: string[] = [];
  const flat = (tensors: readonly Tensor[]): Tensor[] => {
    const named = Object.fromEntries(inputs.map((input, i) => [input.name, tensors[i] as Tensor]));
    const results = fn(named);
    outputs = Object.keys(results);
    return Object.values(results);
  };
  const program = trace(
    name,
    flat,
    inputs.map((input) => input.shape),
  );
  const inputNames = inputs.map((input) => input.name);
  const clash = outputs.find((output) => inputNames.includes(output));
  if (clash) throw new RunError("INTERNAL", `${name}: ${clash} is an input and an output`);
  return lower(symbolic ? program : splitRows(program), {
    inputs: inputNames,
    outputs,
    ...(symbolic ? { symbolic } : {}),
    serialize: { omitUnusedInputs, ...(writesInPlace ? { barrier: BARRIER } : {}) },
  });
}
