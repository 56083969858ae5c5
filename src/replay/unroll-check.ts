import { extraLength, hasRowType, observationRows, type Unroll } from "../protocol.ts";
import type { RingShape } from "./ring.ts";

/** Why an unroll was not taken. */
export type Refusal = (typeof REFUSALS)[number];

export const REFUSALS = [
  "dtype",
  "shape",
  "oversize",
  /** An episode ends before the last step. */
  "early-end",
  /** `terminated` or `truncated` is neither 0 nor 1. */
  "flag",
  "non-finite",
  /** An action outside [-1, 1] where actions are not free. */
  "action-range",
] as const;

/** Actions lie in [-1, 1]; a float32 rounding above is let through. */
const ACTION_LIMIT = 1 + 1e-6;

/**
 * Returns why `unroll` must not enter replay, or null when it may. It may come from another machine, so
 * nothing about it is taken for granted but that it is an object with these fields.
 */
export function refuseUnroll(unroll: Unroll, shape: RingShape): Refusal | null {
  return (
    wrongDtype(unroll, shape) ??
    wrongShape(unroll, shape) ??
    wrongExtras(unroll, shape) ??
    wrongEnds(unroll) ??
    wrongValues(unroll, shape)
  );
}

function wrongDtype(unroll: Unroll, shape: RingShape): Refusal | null {
  const right =
    hasRowType(shape, unroll.observations) &&
    unroll.actions instanceof Float32Array &&
    unroll.rewards instanceof Float32Array &&
    unroll.terminated instanceof Uint8Array &&
    unroll.truncated instanceof Uint8Array &&
    unroll.policyVersions instanceof Int32Array;
  return right ? null : "dtype";
}

function wrongShape(unroll: Unroll, shape: RingShape): Refusal | null {
  const steps = unroll.length;
  if (!(Number.isInteger(steps) && steps >= 1)) return "shape";
  if (!(Number.isInteger(unroll.actor) && Number.isInteger(unroll.env))) return "shape";
  if (steps > shape.unrollLength || steps > shape.capacity) return "oversize";
  const right =
    unroll.observations.length === observationRows(shape, steps) * shape.observationSize &&
    unroll.actions.length === steps * shape.actionSize &&
    unroll.rewards.length === steps &&
    unroll.terminated.length === steps &&
    unroll.truncated.length === steps &&
    unroll.policyVersions.length === steps;
  return right ? null : "shape";
}

/** Columns that the shape does not name are nobody's business. */
function wrongExtras({ extras, length }: Unroll, shape: RingShape): Refusal | null {
  for (const column of shape.extras ?? []) {
    const values = extras?.[column.name];
    if (!(values instanceof Float32Array)) return "dtype";
    if (values.length !== extraLength(column, length)) return "shape";
    if (!allFinite(values)) return "non-finite";
  }
  return null;
}

/** After an episode's end comes a reset, which is no successor: only the last step may end one. */
function wrongEnds(unroll: Unroll): Refusal | null {
  const last = unroll.length - 1;
  for (let t = 0; t < last; t++) {
    if (unroll.terminated[t] !== 0 || unroll.truncated[t] !== 0) return "early-end";
  }
  return unroll.terminated[last]! > 1 || unroll.truncated[last]! > 1 ? "flag" : null;
}

function wrongValues(unroll: Unroll, { freeActions }: RingShape): Refusal | null {
  const { observations, actions, rewards } = unroll;
  const isFrames = observations instanceof Uint8Array;
  if (!(isFrames || allFinite(observations))) return "non-finite";
  if (!(allFinite(actions) && allFinite(rewards))) return "non-finite";
  if (freeActions) return null;
  for (let i = 0; i < actions.length; i++) {
    if (Math.abs(actions[i]!) > ACTION_LIMIT) return "action-range";
  }
  return null;
}

/** 0 * x is 0 for finite x and NaN otherwise: one sum, no branch per element. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
