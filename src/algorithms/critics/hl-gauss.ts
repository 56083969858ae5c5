import {
  clip,
  div,
  erf,
  fromArray,
  maximum,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
} from "../../compile/ops.ts";
import { categorical } from "./categorical.ts";
import type { CriticHead } from "./critic-head.ts";
import type { LogitRule } from "./logit-rules.ts";
import type { Support } from "./support.ts";

/** sigma of 3/4 of a bin spreads a value over about six of them (Farebrother et al. 2024, table B.1). */
export function hlGauss(support: Support, sigmaRatio = 0.75, rule?: LogitRule): CriticHead {
  return categorical(support, (value) => gaussianBins(support, sigmaRatio, value), rule);
}

/**
 * The share of N(y, sigma^2) in each bin, [n, m], of what the support holds of it:
 *
 *     c_j = erf((e_j - y) / (sqrt 2 sigma)),   p_i = (c_i - c_(i-1)) / (c_m - c_0)
 *
 * y, [n], is clamped to the support first: six bins outside of it c_m - c_0 is 0.
 *
 * Source: Imani and White 2018; Farebrother et al. 2024, arXiv 2403.03950, section 3.1.
 */
export function gaussianBins(support: Support, sigmaRatio: number, value: Tensor): Tensor {
  const { atoms, edges, min, max, spacing } = support;
  const scale = 1 / (Math.SQRT2 * sigmaRatio * spacing);
  // Edges and values are scaled by constants first: one subtraction less of the size of the batch.
  const scaledEdges = fromArray(
    edges.map((edge) => edge * scale),
    [1, atoms + 1],
  );
  const centre = reshape(clip(value, min, max), [...value.shape, 1]);
  const cumulative = erf(sub(scaledEdges, div(centre, 1 / scale)));
  const upper = slice(cumulative, [1, atoms + 1]);
  const lower = slice(cumulative, [0, atoms]);
  // erf is good to 7 digits: a difference of two may come out a little below 0.
  const masses = maximum(sub(upper, lower), 0);
  return div(masses, sum(masses, -1, { keepDims: true }));
}
