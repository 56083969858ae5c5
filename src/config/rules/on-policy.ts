import { isOnPolicy } from "../on-policy.ts";
import type { Config } from "../schema.ts";
import type { Report } from "./report.ts";

/** PPO and learning from replay have settings that mean nothing to the other. */
export function checkOnPolicy(config: Config, report: Report): void {
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
