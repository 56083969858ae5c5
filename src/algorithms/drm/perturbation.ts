import { RandomStream } from "../../math/random.ts";
import type { ParameterGroup } from "../algorithm.ts";

/** What a perturbation did to a group. */
export interface Perturbed {
  /** Sums of squares over the linear layers: of their change, and of what they were. */
  readonly change: number;
  readonly before: number;
}

/**
 * theta <- alpha theta + (1 - alpha) phi, where phi is drawn as the linear layers were when training began;
 * all else, such as the scales of norms, is left alone.
 *
 * Source: Ash and Adams 2020, arXiv 1910.08475; Xu et al. 2024, arXiv 2310.19668, section 3.1.
 *
 * @param parameters The group's, flat, in the order of its specification; changed in place.
 * @param retained alpha.
 * @param fresh The stream that a tensor's phi comes from, by the tensor's name.
 */
export function shrinkAndPerturb(
  { parameters: specs }: Pick<ParameterGroup, "parameters">,
  parameters: Float32Array,
  {
    retained,
    fresh,
  }: { readonly retained: number; readonly fresh: (name: string) => RandomStream },
): Perturbed {
  let [change, before, offset] = [0, 0, 0];
  for (const { name, shape, init, isLinear } of specs) {
    const size = shape.reduce((count, length) => count * length, 1);
    const tensor = parameters.subarray(offset, offset + size);
    offset += size;
    if (!isLinear || retained === 1) continue;
    const noise = new Float32Array(size);
    init(fresh(name), noise);
    for (const [i, value] of tensor.entries()) {
      tensor[i] = retained * value + (1 - retained) * (noise[i] ?? 0);
      change += ((tensor[i] ?? 0) - value) ** 2;
      before += value ** 2;
    }
  }
  return { change, before };
}

/** The stream of one tensor's noise in one perturbation. */
export function perturbationStream(
  rootSeed: number,
  learnerStep: number,
  [group, tensor]: readonly [group: string, tensor: string],
): RandomStream {
  return RandomStream.derive(rootSeed, "perturbation", learnerStep, group, tensor);
}
