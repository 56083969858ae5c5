import { greater, minimum, reshape, slice, type Tensor, where } from "../compile/ops.ts";
import type { Chooser } from "./algorithm.ts";
import type { SacParts } from "./sac.ts";

/**
 * Draws N actions and takes the one with the greatest min_k Q_k, the first of equals.
 *
 * Source: the best-of-N extraction of Bai et al. 2025, "Digi-Q"; here nothing is learned from the choice.
 */
export function bestOf(
  { policy, critic, head }: Pick<SacParts, "policy" | "critic" | "head">,
  candidates: number,
): Chooser {
  const { noiseSize } = policy;
  return {
    groups: ["actor", "critic"],
    noiseSize: candidates * noiseSize,
    choose: ({ actor = {}, critic: own = {} }, observations, noise) => {
      // One after another, not in one batch: the batch's length may be open.
      const draw = (k: number): { readonly actions: Tensor; readonly value: Tensor } => {
        const scores = slice(noise, [k * noiseSize, (k + 1) * noiseSize]);
        const { actions } = policy.sample(actor, observations, scores);
        const [first, second] = critic.outputs(own, observations, actions);
        return { actions, value: minimum(head.value(first), head.value(second)) };
      };
      let best = draw(0);
      for (let k = 1; k < candidates; k++) {
        const other = draw(k);
        const isBetter = greater(other.value, best.value);
        const row = reshape(isBetter, [...isBetter.shape, 1]);
        best = {
          actions: where(row, other.actions, best.actions),
          value: where(isBetter, other.value, best.value),
        };
      }
      return best.actions;
    },
  };
}
