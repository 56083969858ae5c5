import { add, deposit, fromArray, mul, reshape, sub, type Tensor } from "../../compile/ops.ts";
import type { TwinRule } from "../twin-critic.ts";
import { categorical, categoricalTarget } from "./categorical.ts";
import { type Backup, type CriticHead, type CriticTarget, mix, softBackup } from "./critic-head.ts";
import { type LogitRule, logitRules } from "./logit-rules.ts";
import type { Support } from "./support.ts";
import { positionOf, twoNeighbours } from "./two-hot.ts";

/**
 * The distribution of the return itself: the target is that of the next pair, moved and shrunk by the
 * Bellman equation and laid back onto the atoms. Entropy is part of the return:
 *
 *     t_j = R + gamma^m (1 - d) (z_j - alpha log pi(a'|s')),   mass p'_j goes to t_j's two neighbours
 *
 * Sources: Bellemare et al. 2017, arXiv 1707.06887, algorithm 1; with entropy as in SimbaV2 and BRC.
 */
export function c51(support: Support, rule: LogitRule = logitRules.softmax): CriticHead {
  const plain = categorical(support, (value) => twoNeighbours(support, value), rule);
  return { ...plain, backUp: (backup, twin) => backUp(plain, support, { backup, twin, rule }) };
}

function backUp(
  { value }: CriticHead,
  support: Support,
  given: { readonly backup: Backup; readonly twin: TwinRule; readonly rule: LogitRule },
): CriticTarget {
  const { backup, twin, rule } = given;
  const [first, second] = backup.next;
  const values = [value(first), value(second)] as const;
  const next = twin.distribution([rule.probabilities(first), rule.probabilities(second)], values);
  const backedUp = project(support, backup, next);
  const target = {
    value: softBackup(backup, twin.value(values)),
    distribution: exploit(support, backup, backedUp),
  };
  return categoricalTarget(support, target, rule);
}

/** Mixed with the two neighbours of R + gamma^m (1 - d) V': a value is a distribution without width. */
function exploit(
  support: Support,
  { returns, discounts, exploitation }: Backup,
  p: Tensor,
): Tensor {
  if (!exploitation) return p;
  const value = add(returns, mul(discounts, exploitation.value));
  return mix(exploitation.weight, twoNeighbours(support, value), p);
}

/** The backed-up distribution on the atoms, [n, m], from that of the next pair, [n, m]. */
export function project(
  support: Support,
  { returns, discounts, entropyCost }: Pick<Backup, "returns" | "discounts" | "entropyCost">,
  next: Tensor,
): Tensor {
  const { atoms, locations } = support;
  const column = (x: Tensor): Tensor => reshape(x, [...x.shape, 1]);
  const shift = sub(returns, mul(discounts, entropyCost));
  const moved = mul(column(discounts), fromArray(locations, [1, atoms]));
  return deposit(next, positionOf(support, add(moved, column(shift))));
}
