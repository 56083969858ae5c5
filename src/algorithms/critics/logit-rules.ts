import {
  abs,
  add,
  div,
  less,
  log,
  logSoftmax,
  mul,
  reciprocal,
  sign,
  softmax,
  sub,
  sum,
  type Tensor,
  where,
} from "../../compile/ops.ts";

/** How logits, [n, m], become a distribution, [n, m]. */
export interface LogitRule {
  probabilities(logits: Tensor): Tensor;
  /** Their logarithms, without a logarithm of what may be 0. */
  logProbabilities(logits: Tensor): Tensor;
  /** The slope by the logits of what has the slope `bySoftmax`, [n, m], if they were softmax's. */
  slope(logits: Tensor, bySoftmax: Tensor): Tensor;
}

export type LogitRuleName = "softmax" | "stablemax";

export const logitRules: Readonly<Record<LogitRuleName, LogitRule>> = {
  softmax: {
    probabilities: softmax,
    logProbabilities: logSoftmax,
    slope: (_logits, bySoftmax) => bySoftmax,
  },
  /**
   * p_i = s(l_i) / sum s, with s(l) = l + 1 from 0 on and 1 / (1 - l) below: where softmax's exponentials
   * outgrow float32, it is still linear. s'(l) / s(l) = 1 / (1 + |l|), and softmax's is 1.
   * Source: Prieto et al. 2025, arXiv 2501.04697, section 4.
   */
  stablemax: {
    probabilities: (logits) => {
      const weights = stableWeights(logits);
      return div(weights, sum(weights, -1, { keepDims: true }));
    },
    logProbabilities: (logits) => {
      const total = sum(stableWeights(logits), -1, { keepDims: true });
      return sub(mul(sign(logits), log(add(abs(logits), 1))), log(total));
    },
    slope: (logits, bySoftmax) => div(bySoftmax, add(abs(logits), 1)),
  },
};

/** s(l), which is above 0. */
function stableWeights(logits: Tensor): Tensor {
  const size = add(abs(logits), 1);
  return where(less(logits, 0), reciprocal(size), size);
}
