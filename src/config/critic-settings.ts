import { isCategorical } from "./algorithm-parts.ts";
import type { Config } from "./schema.ts";

export type RewardScaling = "none" | "deviation" | "range";

/** What stands behind the "auto" of a critic; pure, so it can be asked before there is an environment. */
export interface CriticSettings {
  readonly rewardScaling: RewardScaling;
  /** Undefined where "auto" has nothing to go by: rewards are not scaled. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** Where it stays, if it is not learned. */
  readonly initialTemperature: number;
}

/** Source: DAVIAN-Robotics/SimbaV2 (5) and naumix/BiggerRegularizedCategorical (10). */
const BOUND: Readonly<Record<RewardScaling, number | undefined>> = {
  none: undefined,
  deviation: 5,
  range: 10,
};

/** Whether entropy is part of the returns that critics learn, at a price: the temperature. */
export function paysForEntropy({ algorithm }: Pick<Config, "algorithm">): boolean {
  return algorithm.name === "sac";
}

export function criticSettings({ algorithm }: Pick<Config, "algorithm">): CriticSettings {
  const { critic, criticSupport } = algorithm;
  const temperature =
    algorithm.temperature === "auto" ? algorithm.initialTemperature : algorithm.temperature;
  const automatic = isCategorical(critic) ? "deviation" : "none";
  const rewardScaling = algorithm.rewardScaling === "auto" ? automatic : algorithm.rewardScaling;
  const bound = BOUND[rewardScaling];
  const least = bound === undefined ? undefined : -bound;
  return {
    rewardScaling,
    min: criticSupport.min === "auto" ? least : criticSupport.min,
    max: criticSupport.max === "auto" ? bound : criticSupport.max,
    // Scaled rewards are around 0.05: an entropy price of 1 would drown them, and fill the support.
    initialTemperature:
      temperature === "auto" ? (rewardScaling === "none" ? 1 : 0.01) : temperature,
  };
}
