import type { TurnRule } from "../config/on-policy.ts";
import type { UnrollShape } from "../protocol.ts";
import type {
  GetRunResponse,
  OnPolicyRun,
  UnrollShape as WireShape,
} from "./generated/troupe/v1/actor.ts";

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

/** A layout as it is told to others; extra columns and free actions are told by `onPolicyRun`. */
export function wireShape(shape: UnrollShape): WireShape {
  const { observationSize, actionSize, unrollLength, frameStack = 0 } = shape;
  return { observationSize, actionSize, unrollLength, frameStack };
}

/** The layout of a run's unrolls, extra columns included. */
export function unrollShapeIn({
  shape: told,
  onPolicy,
}: Pick<GetRunResponse, "shape" | "onPolicy">): UnrollShape | undefined {
  if (!told) return undefined;
  const { frameStack, ...sizes } = told;
  const shape = frameStack > 0 ? { ...sizes, frameStack } : sizes;
  if (!onPolicy) return shape;
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
