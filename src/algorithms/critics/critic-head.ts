import { add, mul, sub, type Tensor } from "../../compile/ops.ts";
import type { Initialiser } from "../initialisers.ts";
import type { TwinRule, Twins } from "../twin-critic.ts";

/**
 * What a critic's outputs mean and what they are held against: the part that tells critics apart.
 * A network makes `outputs` numbers for each row; all else about them is said here.
 */
export interface CriticHead {
  /** Numbers per row that the network is to make. */
  readonly outputs: number;
  /** How the network's last layer starts; as its other layers do when left out. */
  readonly outputInit?: { readonly weight: Initialiser; readonly bias: Initialiser };
  /** The expected return, [n], from the outputs, [n, outputs]; differentiable. */
  value(outputs: Tensor): Tensor;
  /** Scalars to log about both critics' outputs, by metric key. */
  monitor?(outputs: Twins): Readonly<Record<string, Tensor>>;
  /** The target that a value y, [n], is: a return from elsewhere, such as GAE's. */
  toward(value: Tensor): CriticTarget;
  /** The target of one Bellman backup. */
  backUp(backup: Backup, twin: TwinRule): CriticTarget;
}

/** What a Bellman target is made of. Row i of each column belongs to transition i; all are constants. */
export interface Backup {
  /** R, the m-step return, [n]. */
  readonly returns: Tensor;
  /** gamma^m (1 - terminated), [n]. */
  readonly discounts: Tensor;
  /** alpha log pi(a'|s'), [n]: what is paid for the next action's certainty. */
  readonly entropyCost: Tensor;
  /** The slow critics' outputs at (s', a'), [n, outputs] each. */
  readonly next: Twins;
  /** Takes a share of what follows, which is the policy's alone when left out. */
  readonly exploitation?: Exploitation;
}

/** Another opinion of the next state: not what the policy does there, but the best that was done. */
export interface Exploitation {
  /** V(s'), [n], entropy included. */
  readonly value: Tensor;
  /** lambda in [0, 1], []: its share. */
  readonly weight: Tensor;
}

/** A target, ready to be compared with any critic's outputs. */
export interface CriticTarget {
  /** y, [n]: its expected return. */
  readonly value: Tensor;
  /** [n, outputs] -> how far they are off. */
  compare(outputs: Tensor): CriticError;
  /** Scalars to log, by metric key. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
}

export interface CriticError {
  /** [n]; its mean is what the critic descends. */
  readonly loss: Tensor;
  /** [n], at least 0: what priorities are made of. */
  readonly priority: Tensor;
}

/**
 * y = R + gamma^m (1 - d) (Q' - alpha log pi), [n], from the value Q' of the next pair, [n]; with
 * exploitation, (1 - lambda) (Q' - alpha log pi) + lambda V'.
 */
export function softBackup(backup: Omit<Backup, "next">, nextValue: Tensor): Tensor {
  const { returns, discounts, entropyCost, exploitation } = backup;
  const soft = sub(nextValue, entropyCost);
  const next = exploitation ? mix(exploitation.weight, exploitation.value, soft) : soft;
  return add(returns, mul(discounts, next));
}

/** weight a + (1 - weight) b. */
export function mix(weight: Tensor, a: Tensor, b: Tensor): Tensor {
  return add(mul(weight, a), mul(sub(1, weight), b));
}
