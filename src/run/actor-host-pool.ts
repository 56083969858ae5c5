import { ActorPool, type ActorPoolOptions, type RestartPolicy } from "../actors/actor-pool.ts";
import type { EpisodeEnd } from "../actors/env-stream.ts";
import { openEnv } from "../envs/registry.ts";
import { RunError } from "../errors.ts";
import {
  EpisodeOutcome,
  type EpisodeEnd as WireEpisodeEnd,
} from "../transport/generated/troupe/v1/actor.ts";
import type { InProcessMemory } from "../transport/in-process.ts";
import { turnRuleIn } from "../transport/on-policy-run.ts";
import type { FoundRun } from "../transport/uplink/find-run.ts";

/** As in the configuration of `troupe train`. */
export const DEFAULT_RESTART: RestartPolicy = {
  backoffMs: 500,
  maxBackoffMs: 30_000,
  maxCrashes: 5,
  windowMs: 300_000,
};

export interface HostPoolOptions
  extends Pick<ActorPoolOptions, "capacity" | "restart" | "onEvent" | "onCrash"> {
  readonly memory: InProcessMemory;
}

/** The actor threads of a run that a learner has described. */
export function openPool(
  { run, envOptions, shape }: FoundRun,
  options: HostPoolOptions,
): ActorPool {
  const { memory, ...rest } = options;
  return new ActorPool({
    ...rest,
    stepTimeoutMs: 1000 * run.stepTimeoutSeconds,
    task: {
      rootSeed: run.seed,
      env: { id: run.envId, options: envOptions },
      envsPerActor: run.envsPerActor,
      unrollLength: shape.unrollLength,
      turns: turnRuleIn(run),
      sendsSnapshots: false,
      normalizes: run.normalizesObservations,
      memory,
      policyProgram: run.policyProgram,
    },
  });
}

/**
 * Opens the run's environment once, so that one that is missing or another one is found before an actor joins.
 *
 * @throws RunError CONFIG_INVALID naming what the learner has and what is here.
 */
export async function checkEnv(
  { run, shape, envOptions }: FoundRun,
  address: string,
): Promise<void> {
  const { envId } = run;
  const observed = shape.observationSize * (shape.frameStack ?? 1);
  const theirs = `${observed} observed numbers and ${shape.actionSize} of action`;
  try {
    const env = await openEnv(envId, envOptions);
    const { observationSpace, actionSpace } = env;
    env.close();
    const actionSize = actionSpace.kind === "box" ? actionSpace.size : 1;
    const isSame =
      observationSpace.size === observed &&
      observationSpace.image?.stack === shape.frameStack &&
      actionSize === shape.actionSize;
    if (isSame) return;
    throw new RunError(
      "CONFIG_INVALID",
      `it has ${observationSpace.size} observed numbers and ${actionSize} of action`,
    );
  } catch (thrown) {
    const { message } = RunError.from(thrown);
    throw new RunError(
      "CONFIG_INVALID",
      `${address} trains on ${envId} with ${theirs}, and this machine has no such environment: ${message}`,
      { cause: thrown },
    );
  }
}

const OUTCOMES = {
  terminated: EpisodeOutcome.EPISODE_OUTCOME_TERMINATED,
  truncated: EpisodeOutcome.EPISODE_OUTCOME_TRUNCATED,
  failed: EpisodeOutcome.EPISODE_OUTCOME_FAILED,
} as const;

export function wireEpisode(end: EpisodeEnd): WireEpisodeEnd {
  const { episodeReturn, episodeLength, outcome, reason = "" } = end;
  return { episodeReturn, episodeLength, outcome: OUTCOMES[outcome], reason };
}
