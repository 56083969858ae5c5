/** One unroll's steps, time-major: index t is the step out of s_t. Every array is [T]. */
export interface RewardSteps {
  readonly rewards: ArrayLike<number>;
  /** 1: the episode has no future. */
  readonly terminated: ArrayLike<number>;
  /** 1: it has one, unseen. */
  readonly truncated: ArrayLike<number>;
}

/** One unroll with the critic's opinion of it; every array is [T]. */
export interface ValuedSteps extends RewardSteps {
  /** V(s_t). */
  readonly values: ArrayLike<number>;
  /** V of the true successor, never of the next episode's start. */
  readonly nextValues: ArrayLike<number>;
}

export interface NStepReturn {
  /** R = sum over i < length of gamma^i r_{t+i}. */
  readonly nStepReturn: number;
  /** What the value of the state after the window is worth: gamma^length (1 - terminated). */
  readonly bootstrapDiscount: number;
  /** m: steps in the window, at most n. */
  readonly length: number;
}

/**
 * The n-step return of the window that starts at `start`.
 *
 * The window ends after n steps, at termination, at truncation or with the unroll, whichever comes
 * first, and each ending keeps its own exponent m:
 *
 *     R = sum_{i<m} gamma^i r_{t+i},   target = R + gamma^m (1 - terminated) V(s_{t+m})
 *
 * Source: Sutton and Barto 2018, equation 7.1.
 */
export function nStepReturn(
  steps: RewardSteps,
  start: number,
  options: { readonly n: number; readonly gamma: number },
): NStepReturn {
  const { rewards, terminated, truncated } = steps;
  const end = Math.min(start + options.n, rewards.length);
  let sum = 0;
  let discount = 1;
  for (let t = start; t < end; t++) {
    sum += discount * rewards[t]!;
    discount *= options.gamma;
    const length = t - start + 1;
    if (terminated[t]) return { nStepReturn: sum, bootstrapDiscount: 0, length };
    if (truncated[t]) return { nStepReturn: sum, bootstrapDiscount: discount, length };
  }
  return { nStepReturn: sum, bootstrapDiscount: discount, length: end - start };
}

/**
 * Generalised advantage estimation, [T].
 *
 *     delta_t = r_t + gamma (1 - terminated_t) V(s'_t) - V(s_t)
 *     A_t     = delta_t + gamma lambda (1 - done_t) A_{t+1},   done = terminated or truncated
 *
 * Source: Schulman et al. 2016, arXiv 1506.02438, equation 16, its sum cut at episode ends.
 */
export function gae(steps: ValuedSteps, gamma: number, lambda: number): Float32Array {
  const { rewards, values, nextValues, terminated, truncated } = steps;
  const advantages = new Float32Array(rewards.length);
  let advantage = 0;
  for (let t = rewards.length - 1; t >= 0; t--) {
    const discount = gamma * (1 - terminated[t]!);
    const delta = rewards[t]! + discount * nextValues[t]! - values[t]!;
    advantage = delta + (1 - truncated[t]!) * discount * lambda * advantage;
    advantages[t] = advantage;
  }
  return advantages;
}

export interface TraceOptions {
  readonly gamma: number;
  /** Trace decay. */
  readonly lambda: number;
  /** Bound of the importance weights rho and c. */
  readonly traceClip: number;
}

/**
 * V-trace, [T]: targets and advantages of a policy pi from steps that another policy mu has taken.
 *
 *     rho_t   = min(bound, pi/mu),   c_t = lambda min(bound, pi/mu)
 *     delta_t = rho_t (r_t + gamma (1 - terminated_t) V(s'_t) - V(s_t))
 *     v_t     = V(s_t) + delta_t + gamma c_t (v_{t+1} - V(s_{t+1})),   the sum cut at episode ends
 *     A_t     = r_t + gamma ((1 - lambda) V(s'_t) + lambda v_{t+1}) - V(s_t)
 *
 * The advantage is not weighted by rho: in PPO's loss the ratio does that. Where pi = mu it is that of
 * generalised advantage estimation. `ratios` are pi/mu, [T].
 * Source: Espeholt et al. 2018, arXiv 1802.01561, equation 1; the mixed bootstrap: rlax, vtrace_td_error_and_advantage.
 */
export function vtrace(
  steps: ValuedSteps,
  ratios: ArrayLike<number>,
  { gamma, lambda, traceClip }: TraceOptions,
): { readonly targets: Float32Array; readonly advantages: Float32Array } {
  const { rewards, values, nextValues, terminated, truncated } = steps;
  const targets = new Float32Array(rewards.length);
  const advantages = new Float32Array(rewards.length);
  // v_{t+1} - V(s_{t+1}); nothing is known beyond the end.
  let surplus = 0;
  for (let t = rewards.length - 1; t >= 0; t--) {
    const discount = gamma * (1 - terminated[t]!);
    const weight = Math.min(traceClip, ratios[t]!);
    const delta = rewards[t]! + discount * nextValues[t]! - values[t]!;
    const later = (1 - truncated[t]!) * discount * lambda * surplus;
    advantages[t] = delta + later;
    surplus = weight * (delta + later);
    targets[t] = values[t]! + surplus;
  }
  return { targets, advantages };
}
