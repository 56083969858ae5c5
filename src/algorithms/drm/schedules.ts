/**
 * What DrM makes of beta, the policy's dormant ratio. Pure functions of it.
 *
 * Source: Xu et al. 2024, arXiv 2310.19668, sections 3.1 and 3.2; XuGW-Kevin/DrM, agents/drm.py.
 */

/** alpha = clip(1 - rate beta, min, max): the share of the weights that a perturbation keeps. */
export function retainedShare(
  ratio: number,
  { rate, min, max }: { readonly rate: number; readonly min: number; readonly max: number },
): number {
  return Math.max(min, Math.min(1 - rate * ratio, max));
}

/** sigma = 1 / (1 + exp(-(beta - target) / temperature)): the more units sleep, the more noise. */
export function dormancyNoise(
  ratio: number,
  { target, temperature }: { readonly target: number; readonly temperature: number },
): number {
  return 1 / (1 + Math.exp((target - ratio) / temperature));
}

/** Standard deviations between which noise is lowered once the agent has awoken. */
const [LINEAR_START, LINEAR_END] = [1, 0.1];

/** From 1 to 0.1 over `duration` environment steps since the awakening. */
export function linearNoise(steps: number, duration: number): number {
  const left = 1 - Math.max(0, Math.min(steps / duration, 1));
  return LINEAR_END + (LINEAR_START - LINEAR_END) * left;
}
