import { LOG_PROBS, VALUES } from "../../config/on-policy.ts";
import { gae } from "../../math/returns.ts";
import { numberRows, type Unroll } from "../../protocol.ts";
import type { Turn } from "../../replay/turn-queue.ts";
import type { ObservationNormalizer } from "../observation-normalizer.ts";

/** The data of one iteration, N steps of any unrolls one after another, as the update wants them. */
export interface Rollout {
  /** N. */
  readonly steps: number;
  /** [N, observation size], normalised. */
  readonly observations: Float32Array;
  /** [N, action size]. */
  readonly actions: Float32Array;
  /** [N], of the policy that the clip is centred on. */
  readonly logProbs: Float32Array;
  /** [N] */
  readonly advantages: Float32Array;
  /** [N], what the critic is to say. */
  readonly returns: Float32Array;
  /** [N], what it said. */
  readonly values: Float32Array;
  /** [N], importance of stale data; all of them 1 when left out. */
  readonly weights?: Float32Array;
}

export interface RolloutOptions {
  readonly observationSize: number;
  readonly actionSize: number;
  readonly gamma: number;
  /** Trace decay. */
  readonly lambda: number;
  readonly rewardClip: number;
}

/** How an iteration's raw numbers are to be read; both stay the same for all of its data. */
export interface RolloutScales {
  readonly normalizer: ObservationNormalizer;
  /** What rewards are divided by. */
  readonly rewardScale: number;
}

/** Where an unroll's steps lie in a rollout: [first, end). */
export interface Stretch {
  readonly unroll: Unroll;
  readonly first: number;
  readonly end: number;
}

/** Room for the steps of an iteration, with the observations and actions in. */
export function layOut(
  turns: readonly Turn[],
  { observationSize, actionSize }: RolloutOptions,
  normalizer: ObservationNormalizer,
): { readonly rollout: Rollout; readonly stretches: readonly Stretch[] } {
  const steps = turns.reduce((sum, turn) => sum + turn.steps, 0);
  const column = (): Float32Array => new Float32Array(steps);
  const rollout: Rollout = {
    steps,
    observations: new Float32Array(steps * observationSize),
    actions: new Float32Array(steps * actionSize),
    ...{ logProbs: column(), advantages: column(), returns: column(), values: column() },
  };
  let end = 0;
  const stretches = turns
    .flatMap(({ frames }) => frames)
    .map(({ unroll }): Stretch => {
      const first = end;
      end += unroll.length;
      const raw = numberRows(unroll.observations).subarray(0, unroll.length * observationSize);
      const into = rollout.observations.subarray(first * observationSize, end * observationSize);
      normalizer.normalize(raw, into);
      rollout.actions.set(unroll.actions, first * actionSize);
      return { unroll, first, end };
    });
  return { rollout, stretches };
}

/** Advantages and returns of data that the current policy made: generalised advantage estimation. */
export function estimateAdvantages(
  turns: readonly Turn[],
  options: RolloutOptions,
  { normalizer, rewardScale }: RolloutScales,
): Rollout {
  const { rollout, stretches } = layOut(turns, options, normalizer);
  for (const { unroll, first, end } of stretches) {
    const { terminated, truncated } = unroll;
    const recorded = unroll.extras?.[VALUES] ?? new Float32Array();
    const values = recorded.subarray(0, unroll.length);
    const rewards = scaledRewards(unroll, rewardScale, options.rewardClip);
    const advantages = gae(
      { rewards, values, nextValues: recorded.subarray(1), terminated, truncated },
      options.gamma,
      options.lambda,
    );
    rollout.logProbs.set(unroll.extras?.[LOG_PROBS] ?? [], first);
    rollout.values.set(values, first);
    rollout.advantages.set(advantages, first);
    for (let t = first; t < end; t++) {
      rollout.returns[t] = (advantages[t - first] ?? 0) + (values[t - first] ?? 0);
    }
  }
  return rollout;
}

export function scaledRewards(
  { rewards, length }: Unroll,
  scale: number,
  bound: number,
): Float32Array {
  const clipped = (reward: number): number => Math.max(-bound, Math.min(reward / scale, bound));
  return rewards.subarray(0, length).map(clipped);
}

/** 1 - Var(returns - values) / Var(returns): what of the returns the critic knew; NaN where all are equal. */
export function explainedVariance({ returns, values }: Rollout): number {
  const errors = returns.map((value, i) => value - (values[i] ?? 0));
  return 1 - variance(errors) / variance(returns);
}

function variance(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}
