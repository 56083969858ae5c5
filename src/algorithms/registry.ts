import { didYouMean } from "../config/nearest.ts";
import type { Space } from "../envs/env.ts";
import { RunError } from "../errors.ts";
import type { Algorithm } from "./algorithm.ts";
import { type DrmOptions, drm } from "./drm/drm.ts";
import { type PpoOptions, ppo, ppoDefaults } from "./ppo.ts";
import { type SacOptions, sac, sacDefaults } from "./sac.ts";

/** What an algorithm is to be made for. */
export interface Problem {
  readonly observationSize: number;
  readonly actionSpace: Space;
  readonly batchSize: number;
}

/** Options of any algorithm; what is left out keeps the algorithm's own default. */
export type AlgorithmOptions = Partial<SacOptions & PpoOptions & { readonly drm: DrmOptions }>;

type Factory = (options: AlgorithmOptions, problem: Problem) => Algorithm;

const factories: Readonly<Record<string, Factory>> = {
  sac: (options, problem) => {
    const { observationSize, batchSize } = problem;
    const actionSize = boxSize("sac", problem.actionSpace);
    const sizes = { observationSize, actionSize, batchSize };
    const all = { ...sacDefaults, ...options };
    return options.drm ? drm({ ...all, drm: options.drm }, sizes) : sac(all, sizes);
  },
  ppo: (options, problem) => {
    const { observationSize, batchSize } = problem;
    const actionSize = boxSize("ppo", problem.actionSpace);
    return ppo({ ...ppoDefaults, ...options }, { observationSize, actionSize, batchSize });
  },
};

export const algorithmNames: readonly string[] = Object.keys(factories);

/**
 * Makes an algorithm by its name.
 * @throws RunError CONFIG_INVALID for an unknown name or an action space it cannot handle.
 */
export function makeAlgorithm(
  name: string,
  options: AlgorithmOptions,
  problem: Problem,
): Algorithm {
  const factory = Object.hasOwn(factories, name) ? factories[name] : undefined;
  if (factory === undefined) {
    const known = `known: ${algorithmNames.join(", ")}`;
    const text = `unknown algorithm "${name}"${didYouMean(name, algorithmNames)}; ${known}`;
    throw new RunError("CONFIG_INVALID", text);
  }
  return factory(options, problem);
}

function boxSize(algorithm: string, space: Space): number {
  if (space.kind === "box") return space.size;
  throw new RunError(
    "CONFIG_INVALID",
    `${algorithm} needs continuous actions, and this environment's are discrete (${space.count} of them)`,
  );
}
