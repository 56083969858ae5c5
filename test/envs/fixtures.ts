import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Env } from "../../src/envs/env.ts";
import { decodeFloat64 } from "../../src/envs/float64-text.ts";

/** One recorded episode; index t of the series is the result of actions[t]. */
export interface GoldenEpisode {
  readonly seed: number;
  readonly init_qpos: number[];
  readonly init_qvel: number[];
  readonly actions: number[][];
  readonly obs0: number[];
  readonly obs?: number[][];
  /** Of long observations instead: by step, counted from 1, all of it or its beginning, */
  readonly obs_full?: Readonly<Record<string, number[]>>;
  readonly obs_head?: Readonly<Record<string, number[]>>;
  /** and for each step its sum and the sum of its absolute values. */
  readonly obs_sum_abs?: number[][];
  readonly reward: number[];
  readonly reward_terms: Readonly<Record<string, number[]>>;
  readonly terminated: number[];
  readonly final_qpos: number[];
  readonly final_qvel: number[];
  readonly final_time: number;
}

/** One recorded episode of dm_control, whose tasks also draw model edits. */
export interface SuiteEpisode {
  readonly init_qpos: number[];
  readonly init_qvel: number[];
  readonly init_act: number[];
  readonly init_qacc_warmstart: number[];
  readonly init_time: number;
  readonly model_edits: Readonly<Record<string, number[]>>;
  readonly actions: number[][];
  readonly obs0: number[];
  readonly obs: number[][];
  readonly reward: number[];
  readonly final_qpos: number[];
  readonly final_qvel: number[];
}

export interface SuiteGolden {
  readonly env: string;
  readonly obs_dim: number;
  readonly episodes: SuiteEpisode[];
}

export interface Golden {
  readonly env: string;
  readonly dt: number;
  readonly obs_dim: number;
  readonly episodes: GoldenEpisode[];
}

/** 20 steps of an environment of Gymnasium's under options. */
export interface NativeEpisode extends Pick<GoldenEpisode, "init_qpos" | "init_qvel" | "obs0"> {
  readonly env: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly actions: number[][];
  /** By step, counted from 1. */
  readonly obs_full: Readonly<Record<string, number[]>>;
  readonly reward: number[];
  readonly terminated: number[];
  /** Of the last step, version 5 only: version 4 has other names. */
  readonly info?: Readonly<Record<string, number>>;
}

/** Fields of a compiled model by MuJoCo's names; numbers, or lists of them, or groups of both. */
export type ModelFields = Readonly<Record<string, unknown>>;

export function readGolden(name: string): Golden {
  return read(`${name}.golden`) as Golden;
}

/** What is stored of a task that differs from another one of its domain in the reward alone. */
interface RewardsOnly {
  readonly env: string;
  /** The other's name. */
  readonly like: string;
  /** Per episode. */
  readonly rewards: number[][];
}

export function readSuiteGolden(name: string): SuiteGolden {
  const stored = read(`dm-control/${name}.golden`) as SuiteGolden | RewardsOnly;
  if (!("like" in stored)) return stored;
  const { env, like, rewards } = stored;
  const other = readSuiteGolden(like);
  const episodes = other.episodes.map((episode, i) => ({ ...episode, reward: rewards[i]! }));
  return { ...other, env, episodes };
}

export function readNative(): NativeEpisode[] {
  return read("gymnasium_native.golden") as NativeEpisode[];
}

export function readModelFields(name: string): ModelFields {
  return read(`${name}.model`) as ModelFields;
}

export function readSuiteModelFields(name: string): ModelFields {
  return read(`dm-control/${name}.model`) as ModelFields;
}

/** MuJoCo's integration state of an environment with a time limit: [time, qpos, qvel, ..]. */
export function physicsState(env: Env): Float64Array {
  const inner = env.snapshot?.()["env"] as { physics: string } | undefined;
  if (!inner) throw new Error(`${env.id} has no snapshot`);
  return decodeFloat64(inner.physics);
}

function read(name: string): unknown {
  const file = new URL(`../fixtures/envs/${name}.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString("utf8"));
}
