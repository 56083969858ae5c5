import type { Config } from "../schema.ts";
import type { Report } from "./report.ts";

export function checkPolicy({ algorithm }: Config, report: Report): void {
  const { temperature, initialTemperature } = algorithm;
  if (temperature !== "auto" && initialTemperature !== "auto") {
    report(
      "algorithm.initialTemperature",
      `is ${initialTemperature}, but algorithm.temperature stays at ${temperature}; leave one of them at auto`,
    );
  }
  if (algorithm.logStdMin >= algorithm.logStdMax) {
    report(
      "algorithm.logStdMin",
      `is ${algorithm.logStdMin}, not below algorithm.logStdMax (${algorithm.logStdMax})`,
    );
  }
}

/** As many experts as there are metrics for. */
const MAX_EXPERTS = 8;

export function checkMixture({ algorithm, pmoe }: Config, report: Report): void {
  if (algorithm.policy !== "pmoe") return;
  const { experts, topK, minProbability, expertGradient } = pmoe;
  if (algorithm.name === "ppo" && expertGradient !== "max") {
    report(
      "pmoe.expertGradient",
      `is ${expertGradient}, but PPO's experts learn from the actions that were taken; leave it at max`,
    );
  }
  if (experts > MAX_EXPERTS) {
    report("pmoe.experts", `is ${experts}, more than ${MAX_EXPERTS}; lower it`);
  }
  if (topK > 0 && topK > experts) {
    report("pmoe.topK", `is ${topK}, more than pmoe.experts (${experts}); lower it, or use 0`);
  }
  if (experts * minProbability >= 1) {
    report(
      "pmoe.minProbability",
      `is ${minProbability}, which ${experts} experts cannot all have; use less than ${1 / experts}`,
    );
  }
}

/** DrQ-v2's policy has no distribution, and its noise a schedule. */
export function checkDrqv2({ algorithm, drm }: Config, report: Report): void {
  if (algorithm.name !== "drqv2") return;
  if (algorithm.policy !== "gaussian") {
    report(
      "algorithm.policy",
      `is ${algorithm.policy}, but drqv2's policy is deterministic; use sac`,
    );
  }
  if (algorithm.robust.weight > 0) {
    report("algorithm.robust.weight", "is above 0, but drqv2 has no such loss; set it to 0");
  }
  if (drm.enabled && drm.exploration !== "additive") {
    report(
      "drm.exploration",
      `is ${drm.exploration}, but drqv2 explores by added noise alone; use additive`,
    );
  }
}

export function checkDrm({ algorithm, drm }: Config, report: Report): void {
  if (!drm.enabled) return;
  if (algorithm.name === "ppo") {
    report("drm.enabled", "is true, but drm improves sac and drqv2, not ppo; use one of them");
  }
  if (
    algorithm.name === "sac" &&
    drm.exploration === "entropy" &&
    algorithm.temperature !== "auto"
  ) {
    report(
      "drm.exploration",
      `is entropy, which a learned temperature follows, but algorithm.temperature is ${algorithm.temperature}; use additive, or auto there`,
    );
  }
  if (drm.perturbMin > drm.perturbMax) {
    report(
      "drm.perturbMin",
      `is ${drm.perturbMin}, above drm.perturbMax (${drm.perturbMax}); lower it`,
    );
  }
}
