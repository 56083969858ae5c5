import type { TurnRule } from "../config/on-policy.ts";
import type { UnrollShape } from "../protocol.ts";
import type { GetRunResponse, OnPolicyRun } from "./generated/troupe/v1/actor.ts";

/** What an on-policy run tells its actors; undefined for others. */
export function onPolicyRun(
  { extras }: UnrollShape,
  rule: TurnRule | undefined,
): OnPolicyRun | undefined {
  if (!extras || !rule) return undefined;
  return {
    extras: extras.map(({ name, per }) => ({ name, perObservation: per === "observation" })),
    turnsAhead: rule.ahead,
    holdsFrames: rule.holdsFrames,
  };
}

/** The layout of a run's unrolls, extra columns included. */
export function unrollShapeIn({
  shape,
  onPolicy,
}: Pick<GetRunResponse, "shape" | "onPolicy">): UnrollShape | undefined {
  if (!shape || !onPolicy) return shape;
  const extras = onPolicy.extras.map(
    ({ name, perObservation }) => ({ name, per: perObservation ? "observation" : "step" }) as const,
  );
  return { ...shape, extras, freeActions: true };
}

/** How a run's actors and learner wait for each other. */
export function turnRuleIn({ onPolicy }: Pick<GetRunResponse, "onPolicy">): TurnRule | undefined {
  if (!onPolicy) return undefined;
  return { ahead: onPolicy.turnsAhead, holdsFrames: onPolicy.holdsFrames };
}
