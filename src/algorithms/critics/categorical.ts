import {
  abs,
  add,
  cast,
  fromArray,
  greater,
  log,
  matmul,
  max,
  maximum,
  mean,
  mul,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  withSlope,
} from "../../compile/ops.ts";
import { constant, type Initialiser } from "../initialisers.ts";
import type { Twins } from "../twin-critic.ts";
import { type CriticHead, type CriticTarget, softBackup } from "./critic-head.ts";
import { type LogitRule, logitRules } from "./logit-rules.ts";
import type { Support } from "./support.ts";

/**
 * A critic that answers with a distribution over the support: p = softmax(logits), Q = sum p_i z_i, trained
 * by cross-entropy. Its value methods differ in `encode` alone. Another rule may take softmax's place.
 *
 * Sources: Bellemare et al. 2017, arXiv 1707.06887; Farebrother et al. 2024, arXiv 2403.03950, section 3.
 *
 * @param encode A target distribution, [n, m], whose mean is the value, [n].
 */
export function categorical(
  support: Support,
  encode: (value: Tensor) => Tensor,
  rule: LogitRule = logitRules.softmax,
): CriticHead {
  const value = (logits: Tensor): Tensor => expectation(logits, support, rule);
  const toward = (target: Tensor): CriticTarget =>
    categoricalTarget(support, { value: target, distribution: encode(target) }, rule);
  return {
    outputs: support.atoms,
    outputInit: { weight: constant(0), bias: startAtZero(support) },
    value,
    monitor: (outputs) => ({ "train/logit_max": largestLogit(outputs) }),
    toward,
    backUp: (backup, twin) => {
      const [first, second] = backup.next;
      return toward(softBackup(backup, twin.value([value(first), value(second)])));
    },
  };
}

/** Sum_i p_i z_i, [n], of p = softmax(logits), with the slope p_i (z_i - Q). */
export function expectation(
  logits: Tensor,
  support: Support,
  rule: LogitRule = logitRules.softmax,
): Tensor {
  const { atoms, locations } = support;
  const probabilities = rule.probabilities(logits);
  const rows = logits.shape.slice(0, -1);
  const value = matmul(probabilities, fromArray(locations, [atoms, 1]));
  const centred = sub(fromArray(locations, [1, atoms]), value);
  const slope = rule.slope(logits, mul(probabilities, centred));
  return withSlope(logits, reshape(value, rows), slope);
}

/**
 * A distribution, [n, m], as a target. The loss is KL(p || softmax(logits)): cross-entropy less the target's
 * own entropy, so its floor is 0 and its slope p^ - p. It is the priority, too: scale-free, and zero
 * where there is nothing to learn.
 */
export function categoricalTarget(
  support: Support,
  target: { readonly value: Tensor; readonly distribution: Tensor },
  rule: LogitRule = logitRules.softmax,
): CriticTarget {
  const { value, distribution: p } = target;
  return {
    value,
    compare: (logits) => {
      const excess = sub(log(maximum(p, TINY)), rule.logProbabilities(logits));
      const divergence = sum(mul(p, excess), -1);
      const slope = rule.slope(logits, sub(rule.probabilities(logits), p));
      const loss = withSlope(logits, divergence, slope);
      return { loss, priority: maximum(divergence, 0) };
    },
    metrics: saturation(support, { value, distribution: p }),
  };
}

/** log of it is finite in float32, and p log p of it nothing. */
const TINY = 1e-30;

/** Values within this many bins of an end have a distribution that is cut off there. */
const MARGIN_BINS = 3;

/** How much of the batch's targets the support can hardly hold. */
function saturation(
  { atoms, min, max: most, spacing }: Support,
  { value, distribution }: { readonly value: Tensor; readonly distribution: Tensor },
): Record<string, Tensor> {
  const half = (most - min) / 2;
  const reach = half - Math.min(MARGIN_BINS * spacing, half / 4);
  const outside = greater(abs(sub(value, min + half)), reach);
  const low = slice(distribution, [0, 1]);
  const high = slice(distribution, [atoms - 1, atoms]);
  return {
    "train/support_saturation": mean(cast(outside, "float32")),
    "train/support_edge_mass": mean(add(low, high)),
  };
}

/** Beyond some 80 a float32 softmax is all ones and zeros. */
function largestLogit([first, second]: Twins): Tensor {
  return maximum(max(abs(first)), max(abs(second)));
}

/**
 * Logits whose expectation is about 0, the weights above being 0. Equal ones do on a symmetric support;
 * elsewhere 40 times the probabilities of a Gaussian at 0, or at the end nearest to it (REPPO).
 */
function startAtZero({ min, max: most, locations, spacing }: Support): Initialiser {
  if (Math.abs(min + most) < 1e-6 * (most - min)) return constant(0);
  const centre = Math.min(Math.max(0, min), most);
  const sigma = 0.75 * spacing;
  return (_random, out) => {
    for (const [i, z] of locations.entries()) {
      const density =
        Math.exp(-0.5 * ((z - centre) / sigma) ** 2) / (0.75 * Math.sqrt(2 * Math.PI));
      out[i] = 40 * density;
    }
  };
}
