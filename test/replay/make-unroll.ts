import fc from "fast-check";
import type { Unroll } from "../../src/protocol.ts";
import type { ReplayOptions } from "../../src/replay/replay.ts";

export const OPTIONS: ReplayOptions = {
  capacity: 20,
  observationSize: 3,
  actionSize: 2,
  unrollLength: 4,
  sampling: { kind: "uniform" },
  batchSize: 8,
  nSteps: 1,
  gamma: 0.99,
};

export type End = "none" | "terminated" | "truncated" | "both";

export interface UnrollPlan {
  readonly length: number;
  readonly end: End;
}

/** Any ends; lengths from 1 to something up to `longest`, so that some lists have short ones only. */
export function unrollPlans(longest: number, count: number): fc.Arbitrary<UnrollPlan[]> {
  const end = fc.constantFrom<End>("none", "none", "terminated", "truncated", "both");
  return fc.integer({ min: 1, max: longest }).chain((most) => {
    const plan = fc.record({ length: fc.integer({ min: 1, max: most }), end });
    return fc.array(plan, { minLength: 1, maxLength: count });
  });
}

/**
 * An unroll whose numbers tell where they come from: the observation of step t holds `first + t`, its
 * reward is that and its action that over 10,000.
 */
export function makeUnroll(plan: UnrollPlan, first: number, options = OPTIONS): Unroll {
  const { length, end } = plan;
  const { observationSize, actionSize } = options;
  const last = new Uint8Array(length);
  last[length - 1] = 1;
  const at = (i: number, width: number): number => first + Math.floor(i / width);
  return {
    actor: first % 5,
    env: first % 3,
    length,
    observations: Float32Array.from({ length: (length + 1) * observationSize }, (_, i) => {
      return at(i, observationSize) + (i % observationSize) / 8;
    }),
    actions: Float32Array.from({ length: length * actionSize }, (_, i) => at(i, actionSize) / 1e4),
    rewards: Float32Array.from({ length }, (_, t) => first + t),
    terminated: end === "terminated" || end === "both" ? last : new Uint8Array(length),
    truncated: end === "truncated" || end === "both" ? last : new Uint8Array(length),
    policyVersions: Int32Array.from({ length }, (_, t) => first + t - 1),
  };
}

/** Unrolls in the order of `plans`; step numbers leave a gap of one for each last observation. */
export function makeUnrolls(plans: readonly UnrollPlan[], options = OPTIONS): Unroll[] {
  let first = 0;
  return plans.map((plan) => {
    const unroll = makeUnroll(plan, first, options);
    first += plan.length + 1;
    return unroll;
  });
}
