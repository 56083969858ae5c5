import type { CriticHead } from "./critics/critic-head.ts";
import type { CriticHeadOptions } from "./critics/registry.ts";
import type { PolicyHead } from "./diagonal-gaussian.ts";
import type { PpoOptions, PpoSizes } from "./ppo.ts";
import type { SacOptions, SacSizes } from "./sac.ts";
import type { SacPolicy } from "./sac-policy.ts";

/** A head of a critic, for SAC and PPO alike. */
export type MakeCritic = (options: CriticHeadOptions) => CriticHead;

/** Sizes that a policy is made for. */
export type PolicySizes = Pick<SacSizes & PpoSizes, "observationSize" | "actionSize">;

/** A policy by the algorithms that can have it. */
export interface PolicyFamily {
  sac?(sizes: PolicySizes, options: SacOptions): SacPolicy;
  ppo?(sizes: PolicySizes, options: PpoOptions): PolicyHead;
}

/** What a user's file may add, by the names that `algorithm.critic` and `algorithm.policy` are to have. */
export interface Plugin {
  readonly critics?: Readonly<Record<string, MakeCritic>>;
  readonly policies?: Readonly<Record<string, PolicyFamily>>;
}
