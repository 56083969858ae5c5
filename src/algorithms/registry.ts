import { didYouMean } from "../config/nearest.ts";
import type { ImageSpace, Space } from "../envs/env.ts";
import { RunError } from "../errors.ts";
import type { Algorithm } from "./algorithm.ts";
import { drm } from "./drm/drm.ts";
import type { DrmOptions } from "./drm/guidance.ts";
import { type Drqv2Options, drqv2, drqv2Defaults } from "./drqv2/drqv2.ts";
import { type PpoOptions, ppo, ppoDefaults } from "./ppo.ts";
import { type SacOptions, sac, sacDefaults } from "./sac.ts";

/** What an algorithm is to be made for. */
export interface Problem {
  readonly observationSize: number;
  /** Present where observations are pixels. */
  readonly image?: ImageSpace | undefined;
  readonly actionSpace: Space;
  readonly batchSize: number;
}

/** Options of any algorithm; what is left out keeps the algorithm's own default. */
export type AlgorithmOptions = Partial<
  SacOptions & PpoOptions & Drqv2Options & { readonly drm: DrmOptions }
>;

type Factory = (options: AlgorithmOptions, problem: Problem) => Algorithm;

const factories: Readonly<Record<string, Factory>> = {
  sac: (options, problem) => {
    const { observationSize, batchSize } = problem;
    const actionSize = boxSize("sac", problem.actionSpace);
    refuseImages("sac", problem);
    const sizes = { observationSize, actionSize, batchSize };
    const all = { ...sacDefaults, ...options };
    return options.drm ? drm({ ...all, drm: options.drm }, sizes) : sac(all, sizes);
  },
  drqv2: (options, problem) => {
    const { observationSize, image, batchSize } = problem;
    const actionSize = boxSize("drqv2", problem.actionSpace);
    const sizes = { observationSize, image, actionSize, batchSize };
    return drqv2({ ...drqv2Defaults, ...options }, sizes);
  },
  ppo: (options, problem) => {
    const { observationSize, batchSize } = problem;
    const actionSize = boxSize("ppo", problem.actionSpace);
    refuseImages("ppo", problem);
    return ppo({ ...ppoDefaults, ...options }, { observationSize, actionSize, batchSize });
  },
};

const algorithmNames: readonly string[] = Object.keys(factories);

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

function refuseImages(algorithm: string, { image }: Problem): void {
  if (!image) return;
  const text = `${algorithm} cannot learn from pixels; use algorithm.name drqv2, or leave out env.options.pixels`;
  throw new RunError("CONFIG_INVALID", text);
}

function boxSize(algorithm: string, space: Space): number {
  if (space.kind === "box") return space.size;
  throw new RunError(
    "CONFIG_INVALID",
    `${algorithm} needs continuous actions, and this environment's are discrete (${space.count} of them)`,
  );
}
