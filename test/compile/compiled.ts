import { defaultDevice, init } from "@jax-js/jax";
import { compile, type TensorFunction } from "../../src/compile/compile.ts";
import { fromArray, mul, read, sum, type Tensor, valueAndGrad } from "../../src/compile/ops.ts";
import { type Buffers, Program } from "../../src/compile/program.ts";
import { RandomStream } from "../../src/math/random.ts";

/** Named float32 inputs with their shapes. */
export interface Given {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Normals of the given shape, the same for the same name. */
export function normals(name: string, shape: readonly number[], scale = 1): Given {
  const random = RandomStream.derive(5, name, ...shape);
  const values = new Float32Array(shape.reduce((size, length) => size * length, 1));
  random.fillNormal(values);
  return { shape, values: values.map((value) => value * scale) };
}

export function given(
  values: readonly number[],
  shape: readonly number[] = [values.length],
): Given {
  return { shape, values: Float32Array.from(values) };
}

/** What the compiled function gives. */
export async function runCompiled(
  fn: TensorFunction,
  inputs: Readonly<Record<string, Given>>,
): Promise<Buffers> {
  const specs = Object.entries(inputs).map(([name, { shape }]) => ({ name, shape }));
  await using program = await Program.load(compile(fn, { name: "test", inputs: specs }));
  const buffers = Object.fromEntries(
    Object.entries(inputs).map(([name, { values }]) => [name, values]),
  );
  const binding = program.bind({ inputs: buffers });
  await binding.run();
  return binding.outputs;
}

/** What jax-js gives, one operation after another. */
export async function runEagerly(
  fn: TensorFunction,
  inputs: Readonly<Record<string, Given>>,
): Promise<Record<string, Float32Array>> {
  await init("wasm");
  defaultDevice("wasm");
  const tensors = Object.entries(inputs).map(([name, { values, shape }]): [string, Tensor] => [
    name,
    fromArray(values, shape),
  ]);
  const results: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(fn(Object.fromEntries(tensors)))) {
    results[name] = Float32Array.from(await read(tensor));
  }
  return results;
}

/**
 * `fn`, and the gradient of its result's weighted sum by every input. The weights differ, so that a
 * gradient that is transposed or permuted shows.
 */
export function withGradients(
  fn: (inputs: Readonly<Record<string, Tensor>>) => Tensor,
): TensorFunction {
  return (inputs) => {
    const { aux, gradient } = valueAndGrad((at: Readonly<Record<string, Tensor>>) => {
      const value = fn(at);
      const size = value.shape.reduce((a, b) => a * b, 1);
      const weights = Float32Array.from({ length: size }, (_, i) => 1 + (i % 7) / 7);
      return { value: sum(mul(value, fromArray(weights, value.shape))), aux: { value } };
    }, inputs);
    const gradients = Object.entries(gradient).map(([name, g]): [string, Tensor] => [
      `d/d ${name}`,
      g,
    ]);
    return { value: aux.value, ...Object.fromEntries(gradients) };
  };
}
