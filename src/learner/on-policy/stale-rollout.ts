import { LOG_PROBS } from "../../config/on-policy.ts";
import { vtrace } from "../../math/returns.ts";
import type { Turn } from "../../replay/turn-queue.ts";
import type { Judgement } from "./judge.ts";
import {
  layOut,
  type Rollout,
  type RolloutOptions,
  type RolloutScales,
  type Stretch,
  scaledRewards,
} from "./rollout.ts";

/** The importance ratio in the loss is bounded by it. Source: openai/ppo-ewma. */
const MAX_WEIGHT = 100;

export interface StaleOptions extends RolloutOptions {
  /** Bound of V-trace's weights, rho and c alike. */
  readonly traceClip: number;
  /** Says what the current policy thinks of pairs. */
  readonly judge: (observations: Float32Array, actions: Float32Array) => Promise<Judgement>;
}

/**
 * Data of policies that may be older than the one that learns from it:
 *
 *     L = -E[ min(pi/mu A, clip(pi/pi_p, 1 - epsilon, 1 + epsilon) pi_p/mu A) ]
 *
 * mu acted, and pi_p, on which the clip is centred, is the policy as it is now: its densities are computed
 * anew, once, so that the clip does not count what the policy has moved since the data were made. The
 * rest is the weight pi_p / mu. Values are today's too, and their targets V-trace's.
 *
 * Source: Hilton et al. 2021, "Batch size-invariance for policy optimization", arXiv 2110.00641, equation 3.
 */
export async function correctStaleness(
  turns: readonly Turn[],
  options: StaleOptions,
  scales: RolloutScales,
): Promise<Rollout> {
  const { rollout, stretches } = layOut(turns, options, scales.normalizer);
  const current = await options.judge(rollout.observations, rollout.actions);
  const finals = await judgeFinals(stretches, options, scales);
  const weights = new Float32Array(rollout.steps);
  for (const [i, { unroll, first, end }] of stretches.entries()) {
    const behaviour = unroll.extras?.[LOG_PROBS] ?? new Float32Array();
    const values = current.values.subarray(first, end);
    const nextValues = new Float32Array(unroll.length);
    nextValues.set(values.subarray(1));
    nextValues[unroll.length - 1] = finals[i] ?? 0;
    const ratios = behaviour.map((logProb, t) =>
      Math.min(Math.exp((current.logProbs[first + t] ?? 0) - logProb), MAX_WEIGHT),
    );
    const { terminated, truncated } = unroll;
    const rewards = scaledRewards(unroll, scales.rewardScale, options.rewardClip);
    const { targets, advantages } = vtrace(
      { rewards, values, nextValues, terminated, truncated },
      ratios,
      options,
    );
    weights.set(ratios, first);
    rollout.returns.set(targets, first);
    rollout.advantages.set(advantages, first);
  }
  rollout.logProbs.set(current.logProbs);
  rollout.values.set(current.values);
  return { ...rollout, weights };
}

/** Values of the observations that unrolls end with, which no action follows. */
async function judgeFinals(
  stretches: readonly Stretch[],
  { observationSize, actionSize, judge }: StaleOptions,
  { normalizer }: RolloutScales,
): Promise<Float32Array> {
  const raw = new Float32Array(stretches.length * observationSize);
  for (const [i, { unroll }] of stretches.entries()) {
    raw.set(unroll.observations.subarray(unroll.length * observationSize), i * observationSize);
  }
  normalizer.normalize(raw, raw);
  const nothingDone = new Float32Array(stretches.length * actionSize);
  return (await judge(raw, nothingDone)).values;
}

/** (sum w)^2 / (n sum w^2). */
export function effectiveShare(weights: Float32Array): number {
  let [sum, squares] = [0, 0];
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return squares === 0 ? 0 : sum ** 2 / (weights.length * squares);
}
