import type { z } from "zod";
import { parseAddress } from "./address.ts";
import { criticNames, isCategorical, policyNames } from "./algorithm-parts.ts";
import { criticSettings, paysForEntropy } from "./critic-settings.ts";
import { didYouMean } from "./nearest.ts";
import { isOnPolicy } from "./on-policy.ts";
import { presetAlgorithms } from "./preset-names.ts";
import type { Config } from "./schema.ts";

type Report = (path: string, message: string) => void;

/** What must hold between fields; each that does not is named with its value and a way out. */
export function checkRules(config: Config, context: z.RefinementCtx): void {
  const report: Report = (path, message) => {
    context.addIssue({ code: "custom", path: path.split("."), message });
  };
  checkPreset(config, report);
  checkNames(config, report);
  checkReplay(config, report);
  checkUnrolls(config, report);
  checkRateLimit(config, report);
  checkCluster(config, report);
  checkCritic(config, report);
  checkNetworks(config, report);
  checkMixture(config, report);
  checkDrm(config, report);
  checkDrqv2(config, report);
  checkOnPolicy(config, report);
  checkTheRest(config, report);
}

/** A preset's other fields mean little to another algorithm. */
function checkPreset({ preset, algorithm }: Config, report: Report): void {
  if (preset === "auto" || presetAlgorithms[preset] === algorithm.name) return;
  const other = `is ${preset}, but algorithm.name is ${algorithm.name}`;
  report("preset", `${other}; leave one of them out`);
}

/** A name that is not ours must come from somewhere. */
function checkNames({ algorithm, plugins }: Config, report: Report): void {
  if (plugins.files.length > 0) return;
  const check = (field: "critic" | "policy", names: readonly string[]): void => {
    const name = algorithm[field];
    if (names.includes(name)) return;
    report(
      `algorithm.${field}`,
      `must be ${names.join(" or ")}, not ${JSON.stringify(name)}${didYouMean(name, names)}; one of your own needs its file in plugins.files`,
    );
  };
  check("critic", criticNames);
  check("policy", policyNames);
}

/** PPO and learning from replay have settings that mean nothing to the other. */
function checkOnPolicy(config: Config, report: Report): void {
  const { algorithm, replay, cluster, evaluation, ppo } = config;
  if (!isOnPolicy(config)) {
    if (ppo.mode !== "synchronous") {
      report("ppo.mode", `is ${ppo.mode}, but algorithm.name is ${algorithm.name}; use ppo`);
    }
    if (ppo.traceClip !== 1) {
      report(
        "ppo.traceClip",
        `is ${ppo.traceClip}, but V-trace corrects ppo's targets, and algorithm.name is ${algorithm.name}; leave it out, or use ppo with ppo.mode asynchronous`,
      );
    }
    return;
  }
  if (replay.sampling !== "uniform") {
    report(
      "replay.sampling",
      `is ${replay.sampling}, but ppo learns from each step once, in order; leave it out`,
    );
  }
  if (algorithm.nStep !== 1) {
    report("algorithm.nStep", `is ${algorithm.nStep}, but ppo has ppo.gaeLambda for that; use 1`);
  }
  if (evaluation.bestOf > 1) {
    report(
      "evaluation.bestOf",
      `is ${evaluation.bestOf}, but ppo's critic judges states, not actions; use 1`,
    );
  }
  if (algorithm.orthogonalGradients === "critic") {
    report(
      "algorithm.orthogonalGradients",
      "is critic, but ppo has one optimiser for policy and critic; use all or none",
    );
  }
  if (cluster.durability === "log") {
    report(
      "cluster.durability",
      "is log, but ppo has no use for steps of an earlier policy; use auto or memory",
    );
  }
}

function checkCluster({ cluster }: Config, report: Report): void {
  try {
    parseAddress(cluster.listen, "");
  } catch {
    report(
      "cluster.listen",
      `is ${JSON.stringify(cluster.listen)}, no HOST:PORT; write for example 0.0.0.0:7447`,
    );
  }
}

function checkReplay({ algorithm, replay, totalSteps }: Config, report: Report): void {
  const { batchSize, learningStarts } = algorithm;
  const { capacity } = replay;
  if (batchSize > capacity) {
    report(
      "algorithm.batchSize",
      `is ${batchSize}, more than replay.capacity (${capacity}); lower it or raise the capacity`,
    );
  }
  if (learningStarts > capacity) {
    report(
      "algorithm.learningStarts",
      `is ${learningStarts}, more than replay.capacity (${capacity}) can ever hold; lower it or raise the capacity`,
    );
  }
  if (learningStarts > totalSteps) {
    report(
      "algorithm.learningStarts",
      `is ${learningStarts}, so a run of totalSteps ${totalSteps} would end before the first update; lower it or train longer`,
    );
  }
}

function checkUnrolls({ actors, algorithm, replay }: Config, report: Report): void {
  const { unrollLength } = actors;
  if (unrollLength > replay.capacity) {
    report(
      "actors.unrollLength",
      `is ${unrollLength}, more than replay.capacity (${replay.capacity}); lower it or raise the capacity`,
    );
  }
  if (algorithm.nStep > unrollLength) {
    report(
      "algorithm.nStep",
      `is ${algorithm.nStep}, longer than an unroll (actors.unrollLength is ${unrollLength}); lower it or lengthen the unrolls`,
    );
  }
}

/**
 * The limiter's band, 2 * errorBuffer wide, must leave room for one update and one unroll, or both
 * sides can wait for each other for ever.
 */
function checkRateLimit({ actors, algorithm, replay }: Config, report: Report): void {
  if (replay.errorBuffer === "auto") return;
  const perInsert =
    replay.samplesPerInsert === "auto" ? algorithm.batchSize : replay.samplesPerInsert;
  const least = (algorithm.batchSize + actors.unrollLength * perInsert) / 2;
  if (replay.errorBuffer < least) {
    report(
      "replay.errorBuffer",
      `is ${replay.errorBuffer}, which would deadlock actors and learner; use "auto" or at least ${Math.ceil(least)}`,
    );
  }
}

/** A categorical critic needs a support, and one that can hold what it will be asked to say. */
function checkCritic(config: Config, report: Report): void {
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

function checkNetworks({ algorithm }: Config, report: Report): void {
  const { hidden } = algorithm;
  for (const part of ["policy", "critic"] as const) {
    const { architecture, width, norm } = algorithm.network[part];
    const path = `algorithm.network.${part}`;
    if (architecture === "mlp") continue;
    if (norm !== "none") {
      report(`${path}.norm`, `is ${norm}, but ${architecture} has norms of its own; use none`);
    }
    if (width === "auto" && hidden.some((units) => units !== hidden[0])) {
      report(
        `${path}.width`,
        `is auto, and algorithm.hidden (${hidden.join(", ")}) has several widths, but the blocks of ${architecture} have one; give it`,
      );
    }
  }
}

/** As many experts as there are metrics for. */
const MAX_EXPERTS = 8;

function checkMixture({ algorithm, pmoe }: Config, report: Report): void {
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

function checkDrm({ algorithm, drm }: Config, report: Report): void {
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

/** DrQ-v2's policy has no distribution, and its noise a schedule. */
function checkDrqv2({ algorithm, drm }: Config, report: Report): void {
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

function checkTheRest({ actors, algorithm, deterministic }: Config, report: Report): void {
  if (deterministic && actors.count !== "auto" && actors.count !== 1) {
    report(
      "actors.count",
      `is ${actors.count}, but deterministic runs have one actor; use 1 or "auto", or set deterministic to false`,
    );
  }
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
  const { initialDelaySeconds, maxDelaySeconds } = actors.restart;
  if (initialDelaySeconds > maxDelaySeconds) {
    report(
      "actors.restart.initialDelaySeconds",
      `is ${initialDelaySeconds}, more than actors.restart.maxDelaySeconds (${maxDelaySeconds}); lower it`,
    );
  }
}
