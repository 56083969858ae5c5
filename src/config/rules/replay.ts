import type { Config } from "../schema.ts";
import type { Report } from "./report.ts";

export function checkReplay({ algorithm, replay, totalSteps }: Config, report: Report): void {
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

export function checkUnrolls({ actors, algorithm, replay }: Config, report: Report): void {
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
export function checkRateLimit({ actors, algorithm, replay }: Config, report: Report): void {
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
