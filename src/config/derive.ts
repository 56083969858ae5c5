import type { Machine } from "./machine.ts";
import type { Config } from "./schema.ts";

/** The numbers behind every "auto" that does not depend on the environment. */
export interface DerivedSettings {
  readonly actors: number;
  readonly learnerThreads: number;
  readonly samplesPerInsert: number;
  readonly errorBuffer: number;
  readonly priorityExponent: number;
}

/** Resolves "auto" on this machine. */
export function deriveSettings(config: Config, machine: Machine): DerivedSettings {
  const { algorithm, replay, learner } = config;
  const actors = actorCount(config, machine);
  const samplesPerInsert = or(replay.samplesPerInsert, algorithm.batchSize);
  const unrollSamples = config.actors.unrollLength * samplesPerInsert;
  const streams = actors * config.actors.envsPerActor;
  return {
    actors,
    learnerThreads: or(learner.threads, clamp(machine.cpus - actors, 1, 4)),
    samplesPerInsert,
    // One unroll of every stream may be in flight on either side; half of an update and of one
    // unroll is what the limiter needs at the least.
    errorBuffer: or(replay.errorBuffer, algorithm.batchSize + unrollSamples * streams),
    priorityExponent: or(replay.priorityExponent, replay.sampling === "lap" ? 0.4 : 0.6),
  };
}

function actorCount({ actors, deterministic }: Config, machine: Machine): number {
  if (deterministic) return 1;
  return or(actors.count, clamp(machine.cpus - 1, 1, 4));
}

function or(value: number | "auto", automatic: number): number {
  return value === "auto" ? automatic : value;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
