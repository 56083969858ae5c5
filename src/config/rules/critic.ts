import { isCategorical } from "../algorithm-parts.ts";
import { criticSettings, paysForEntropy } from "../critic-settings.ts";
import type { Config } from "../schema.ts";
import type { Report } from "./report.ts";

/** A categorical critic needs a support, and one that can hold what it will be asked to say. */
export function checkCritic(config: Config, report: Report): void {
  const { algorithm, replay } = config;
  const { rewardScaling } = criticSettings(config);
  const { critic, gamma } = algorithm;
  if (rewardScaling === "range" && gamma >= 1) {
    report(
      "algorithm.gamma",
      `is ${gamma}, but rewardScaling range divides by 1 - gamma; lower it`,
    );
  }
  if (critic === "mse") return;
  if (replay.sampling === "lap") {
    report(
      "replay.sampling",
      `is lap, which belongs to the Huber loss of algorithm.critic mse, not to ${critic}; use prioritized`,
    );
  }
  if (!isCategorical(critic)) return;
  checkSupport(config, report);
}

function checkSupport(config: Config, report: Report): void {
  const { rewardScaling, min, max } = criticSettings(config);
  if (min === undefined || max === undefined) {
    report(
      `algorithm.criticSupport.${min === undefined ? "min" : "max"}`,
      "is auto, which needs scaled rewards: give the least and greatest return, or set algorithm.rewardScaling to deviation",
    );
  } else if (min >= max) {
    report(
      "algorithm.criticSupport.min",
      `is ${min}, not below algorithm.criticSupport.max (${max})`,
    );
  } else if (rewardScaling !== "none" && (min >= 0 || max <= 0)) {
    report(
      `algorithm.criticSupport.${min >= 0 ? "min" : "max"}`,
      `is ${min >= 0 ? min : max}, so the support cannot hold scaled returns, which lie on both sides of 0; use a range around 0 or rewardScaling none`,
    );
  } else {
    checkEntropyFits(config, report, Math.max(Math.abs(min), Math.abs(max)));
    checkStart(config, report, (min + max) / 2);
  }
}

/** Stablemax would need logits of thousands to start anywhere but in the middle. */
function checkStart({ algorithm }: Config, report: Report, middle: number): void {
  const { probabilities, min, max } = algorithm.criticSupport;
  if (probabilities === "softmax" || middle === 0) return;
  report(
    "algorithm.criticSupport.probabilities",
    `is ${probabilities}, whose first values are in the middle of the support, ${middle} from ${min} to ${max}; use softmax or a support around 0`,
  );
}

/** Entropy is part of the return: one nat in each step, for ever, must not be more than all there is room for. */
function checkEntropyFits(config: Config, report: Report, reach: number): void {
  const { gamma } = config.algorithm;
  const { initialTemperature } = criticSettings(config);
  if (!paysForEntropy(config)) return;
  const worth = initialTemperature / (1 - gamma);
  if (gamma >= 1 || worth <= reach) return;
  const isFixed = config.algorithm.temperature !== "auto";
  report(
    isFixed ? "algorithm.temperature" : "algorithm.initialTemperature",
    `is ${initialTemperature}, so that one nat of entropy is worth ${Math.round(worth)} over the future, more than the critics' support can hold (${reach}); lower it or widen algorithm.criticSupport`,
  );
}
