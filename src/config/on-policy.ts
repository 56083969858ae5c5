import type { ExtraColumn } from "../protocol.ts";
import type { Config } from "./schema.ts";

/** log pi(a | s) of each action under the policy that chose it. */
export const LOG_PROBS = "log_probs";
/** The critic's value of each observation, with the parameters that chose the action there. */
export const VALUES = "values";

/** What actors record for an on-policy learner. */
export const ON_POLICY_COLUMNS: readonly ExtraColumn[] = [
  { name: LOG_PROBS, per: "step" },
  { name: VALUES, per: "observation" },
];

/** Whether the learner takes each unroll once, of the policy it is about to change. */
export function isOnPolicy({ algorithm }: Pick<Config, "algorithm">): boolean {
  return algorithm.name === "ppo";
}

/** How actors and learner wait for each other. A turn is T steps of every environment of an actor. */
export interface TurnRule {
  /** Turns that an actor may be ahead of the learner's updates. */
  readonly ahead: number;
  /** Unrolls wait for the next turn's policy, so that it is never newer than the rule says. */
  readonly holdsFrames: boolean;
}

/** Undefined where actors go on as they like. */
export function turnRule({
  algorithm,
  ppo,
  deterministic,
}: Pick<Config, "algorithm" | "ppo" | "deterministic">): TurnRule | undefined {
  if (!isOnPolicy({ algorithm })) {
    return deterministic ? { ahead: 0, holdsFrames: false } : undefined;
  }
  switch (ppo.mode) {
    case "synchronous":
      return { ahead: 0, holdsFrames: false };
    case "overlapped":
      return { ahead: 1, holdsFrames: true };
    case "asynchronous":
      return { ahead: ppo.maxAge, holdsFrames: false };
  }
}
