import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import { initialParameters, type ParameterValues } from "../../src/algorithms/networks.ts";
import { RandomStream } from "../../src/math/random.ts";
import type { Columns } from "./reference-update.ts";

export interface Drawn {
  readonly batch: Columns;
  readonly noise: Columns;
}

/** A batch and noise for update `index`: normals, but for what a column's meaning bounds. */
export function drawInputs(algorithm: Algorithm, index: number): Drawn {
  const columns = (specs: Algorithm["batch"]): Columns =>
    Object.fromEntries(
      specs.map(({ name, shape }) => {
        const random = RandomStream.derive(11, "input", index, name);
        const data = new Float32Array(shape.reduce((size, axis) => size * axis, 1));
        random.fillNormal(data);
        if (name === "actions" && specs === algorithm.batch) return [name, data.map(Math.tanh)];
        if (name === "bootstrapDiscounts") {
          return [name, data.map((x) => (x > 1 ? 0 : 0.99 ** (1 + random.integer(3))))];
        }
        if (name === "importanceWeights")
          return [name, data.map(() => random.uniformBetween(0.2, 1))];
        return [name, data];
      }),
    );
  return { batch: columns(algorithm.batch), noise: columns(algorithm.noise) };
}

/**
 * Parameters as after some training: biases that are not small, targets apart from their sources,
 * values far from zero (around it a loss is what is left of a cancellation, and its digits are noise).
 */
export function trainedParameters(algorithm: Algorithm, seed: number): ParameterValues {
  const values = initialParameters(algorithm, seed);
  for (const [group, tensors] of Object.entries(values)) {
    for (const [name, data] of Object.entries(tensors)) {
      const random = RandomStream.derive(seed, "trained", group, name);
      const offset = /^q\d\.output\.bias$/.test(name) ? 3 : 0;
      for (const [i, value] of data.entries()) data[i] = value + 0.1 * random.normal() + offset;
    }
  }
  return values;
}
