import type { ParameterGroup } from "./algorithm.ts";

/** Which networks are moved by what of their gradients is orthogonal to their weights. */
export type OrthogonalGradients = "none" | "critic" | "all";

type Flag = Pick<ParameterGroup, "orthogonalGradient">;

/** What a group of the critic's, and one of the policy's, is to say about its gradient. */
export function orthogonalGroups(which: OrthogonalGradients = "none"): {
  readonly critic: Flag;
  readonly policy: Flag;
} {
  const flagged: Flag = { orthogonalGradient: true };
  return {
    critic: which === "none" ? {} : flagged,
    policy: which === "all" ? flagged : {},
  };
}
