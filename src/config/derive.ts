import type { Machine } from "./machine.ts";
import { isOnPolicy } from "./on-policy.ts";
import type { Config } from "./schema.ts";

/** local: actors are threads of the same process. cluster: they come over the network, too. */
export type RunRole = "local" | "cluster";

/** The numbers behind every "auto" that does not depend on the environment. */
export interface DerivedSettings {
  readonly role: RunRole;
  /** Actor threads in this process. */
  readonly actors: number;
  /** All actors that are counted on; 0: unknown. */
  readonly actorsExpected: number;
  readonly durability: "memory" | "log";
  readonly learnerThreads: number;
  readonly samplesPerInsert: number;
  readonly errorBuffer: number;
  readonly priorityExponent: number;
}

/** Actors a cluster's learner makes allowance for when it is not told how many to expect. */
const CLUSTER_ACTORS = 4;

/** Resolves "auto" on this machine. */
export function deriveSettings(
  config: Config,
  machine: Machine,
  role: RunRole = "local",
): DerivedSettings {
  const { algorithm, replay, learner, cluster } = config;
  const isLocal = role === "local";
  const actors = isLocal ? localActorCount(config, machine) : cluster.localActors;
  const actorsExpected = isLocal ? actors : Math.max(cluster.actorsExpected, actors);
  const samplesPerInsert = or(
    replay.samplesPerInsert,
    algorithm.batchSize * updatesPerStep(config),
  );
  const unrollSamples = config.actors.unrollLength * samplesPerInsert;
  const streams = (actorsExpected || CLUSTER_ACTORS) * config.actors.envsPerActor;
  return {
    role,
    actors,
    actorsExpected,
    durability: isLocal || isMemoryEnough(config) ? "memory" : "log",
    learnerThreads: or(learner.threads, clamp(machine.cpus - actors, 1, 4)),
    samplesPerInsert,
    // One unroll of every stream may be in flight on either side; half of an update and of one
    // unroll is what the limiter needs at the least.
    errorBuffer: or(replay.errorBuffer, algorithm.batchSize + unrollSamples * streams),
    priorityExponent: or(replay.priorityExponent, replay.sampling === "lap" ? 0.4 : 0.6),
  };
}

/** DrQ-v2 learns once for every second step that actors take. */
function updatesPerStep({ algorithm }: Config): number {
  return algorithm.name === "drqv2" ? 0.5 : 1;
}

function isMemoryEnough(config: Config): boolean {
  const { durability } = config.cluster;
  return durability === "memory" || (durability === "auto" && isOnPolicy(config));
}

function localActorCount({ actors, deterministic }: Config, machine: Machine): number {
  if (deterministic) return 1;
  return or(actors.count, clamp(machine.cpus - 1, 1, 4));
}

function or(value: number | "auto", automatic: number): number {
  return value === "auto" ? automatic : value;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
