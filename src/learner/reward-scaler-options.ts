import { criticSettings, paysForEntropy } from "../config/critic-settings.ts";
import { isOnPolicy } from "../config/on-policy.ts";
import type { Config } from "../config/schema.ts";
import type { RewardScalerOptions } from "./reward-scaler.ts";

/** How a run divides its rewards; undefined where they stay as they are. */
export function rewardScalerOptions(
  config: Config,
  actionSize: number,
): RewardScalerOptions | undefined {
  const { rewardScaling: kind, min, max, initialTemperature } = criticSettings(config);
  if (kind === "none") return undefined;
  const { gamma, targetEntropy, critic } = config.algorithm;
  // PPO clips scaled rewards, so their spread needs no other bound where there is no support to fill; a
  // plugin's critic may have one.
  const isUnbounded = kind === "deviation" && isOnPolicy(config) && critic === "mse";
  return {
    ...{ kind, gamma },
    bound: isUnbounded ? Infinity : Math.min(Math.abs(min ?? Infinity), Math.abs(max ?? Infinity)),
    targetEntropy: targetEntropy === "auto" ? -actionSize : targetEntropy,
    // Where entropy has no price none is part of the returns, and none needs room.
    initialTemperature: paysForEntropy(config) ? initialTemperature : 0,
  };
}
