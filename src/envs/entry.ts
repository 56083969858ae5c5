import type { EnvFactory } from "./env.ts";
import type { OptionInfo } from "./options.ts";

/** What is known about a registered environment without making one. */
export interface EnvInfo {
  readonly id: string;
  /** Where it belongs in a list, e.g. "gymnasium". */
  readonly group: string;
  /** Seconds of simulated time per step under default options; null where time means nothing. */
  readonly dt: number | null;
  /** Steps after which an episode is truncated under default options; null: never. */
  readonly maxEpisodeSteps: number | null;
  /** Mean return over 100 episodes that counts as solved; null where none is agreed. */
  readonly rewardThreshold: number | null;
  /** The reward in words. */
  readonly rewardTerms: string;
  /** What defines the task. */
  readonly source: string;
  readonly options: readonly OptionInfo[];
}

/** An environment as the registry holds it. */
export interface EnvEntry {
  readonly info: EnvInfo;
  readonly make: EnvFactory;
  /** Only actors elsewhere can step it: what `make` makes has its spaces and no more. */
  readonly isExternal?: true;
  /** The model of a MuJoCo task under default options. */
  readonly mjcf?: string;
}
