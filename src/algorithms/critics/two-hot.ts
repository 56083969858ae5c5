import { abs, clip, fromArray, mul, relu, reshape, sub, type Tensor } from "../../compile/ops.ts";
import { categorical } from "./categorical.ts";
import type { CriticHead } from "./critic-head.ts";
import type { LogitRule } from "./logit-rules.ts";
import type { Support } from "./support.ts";

export function twoHot(support: Support, rule?: LogitRule): CriticHead {
  return categorical(support, (value) => twoNeighbours(support, value), rule);
}

/**
 * All mass on the two atoms beside y, [n], so that the mean is y, clamped to the support:
 *
 *     p_i = max(0, 1 - |y - z_i| / spacing)
 *
 * Source: Schrittwieser et al. 2020, arXiv 1911.08265, appendix F.
 */
export function twoNeighbours(support: Support, value: Tensor): Tensor {
  const { atoms } = support;
  const position = reshape(positionOf(support, value), [...value.shape, 1]);
  const places = fromArray(
    Float32Array.from({ length: atoms }, (_, i) => i),
    [1, atoms],
  );
  return relu(sub(1, abs(sub(position, places))));
}

/** Where values lie among the atoms, from 0 to m - 1; those outside at the end. Of any shape. */
export function positionOf({ atoms, locations, spacing }: Support, value: Tensor): Tensor {
  const first = locations[0] ?? 0;
  return clip(mul(sub(value, first), 1 / spacing), 0, atoms - 1);
}
