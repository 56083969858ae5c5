import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { isExternal } from "../envs/external.ts";
import { openEnv } from "../envs/registry.ts";
import { RunError } from "../errors.ts";
import { openSnapshot, type SnapshotChoice } from "../learner/checkpoint/open-snapshot.ts";
import type { Checkpoint } from "../learner/checkpoint/read-checkpoint.ts";
import { evaluate, evaluationNoise } from "../learner/evaluation.ts";
import { type LoadedPolicy, openPolicy } from "../learner/load-policy.ts";
import { POLICY_FILE } from "../learner/policy-graph.ts";
import { readRunConfig, runPaths } from "../learner/run-info.ts";
import { summarise } from "../math/summary.ts";
import { replaceDurable } from "../storage/durable-files.ts";
import { FILM_ENDINGS, type FilmFile } from "../video/film.ts";
import { recordVideo, type VideoOptions, type VideoScene } from "./record-video.ts";

export interface EvaluateRunOptions {
  /** The best evaluated policy or the last; without it the best, if there is one. */
  readonly checkpoint?: SnapshotChoice;
  readonly episodes: number;
  /** Root of the episodes' seeds; the run's own by default. */
  readonly seed?: number;
  /** Actions drawn in each step, of which the critics choose; 1: the mode; the run's own by default. */
  readonly bestOf?: number;
  /** To film the first episodes, before all of them are evaluated side by side. */
  readonly video?: RunVideoOptions;
}

/** Without `files` the film is saved as `eval/video.mp4` and `eval/video.gif` in the run's folder. */
export type RunVideoOptions = Omit<VideoOptions, "files"> & Partial<Pick<VideoOptions, "files">>;

/** In the words of Stable-Baselines3 and the Hugging Face hub. */
export interface RunEvaluation {
  readonly env: string;
  /** The checkpoint's name. */
  readonly checkpoint: string;
  /** Environment steps of training behind the policy. */
  readonly env_steps: number;
  readonly mean_reward: number;
  readonly std_reward: number;
  readonly mean_ep_length: number;
  readonly n_eval_episodes: number;
  /** The policy's mode, or one of `best_of` draws. */
  readonly is_deterministic: boolean;
  readonly best_of: number;
  readonly seed: number;
  /** ISO 8601. */
  readonly eval_datetime: string;
  readonly episode_rewards: readonly number[];
  readonly episode_lengths: readonly number[];
  readonly videos?: readonly FilmFile[];
}

/**
 * Evaluates a run's policy and keeps the result in the run's `eval/results.json`.
 *
 * @throws RunError RUN_NOT_FOUND when there is no checkpoint yet, CHECKPOINT_CORRUPT, ENV_FAILED,
 * CONFIG_INVALID when a film is asked for and cannot be made, or only actors elsewhere can step the environment.
 */
export async function evaluateRun(
  folder: string,
  options: EvaluateRunOptions,
): Promise<RunEvaluation> {
  const config = await readRunConfig(folder);
  const { env } = config;
  if (isExternal(env.id)) {
    throw new RunError(
      "CONFIG_INVALID",
      `${env.id} is stepped by actors elsewhere, and cannot be evaluated here: play the policy where the environment ` +
        "is, exported with troupe export (examples/python-actor/evaluate.py)",
    );
  }
  const seed = options.seed ?? config.evaluation.seed;
  const snapshot = openSnapshot(folder, options.checkpoint);
  const bestOf = options.bestOf ?? config.evaluation.bestOf;
  const model = await modelOf(snapshot, config, bestOf);
  const name = join(snapshot.folder, POLICY_FILE);
  const { evaluation } = runPaths(folder);
  mkdirSync(evaluation, { recursive: true });
  // The film's policy is another: its noise must not move the evaluation's.
  const open = () => openPolicy(model, name, evaluationNoise(seed));
  const scene = { seed, openEnv: () => openEnv(env.id, env.options) };
  const videos = options.video && (await film(evaluation, options.video, { ...scene, open }));
  await using policy = await open();
  const episodes = await evaluate({ ...scene, policy, episodes: options.episodes });
  const rewards = episodes.map(({ episodeReturn }) => episodeReturn);
  const lengths = episodes.map(({ episodeLength }) => episodeLength);
  const returns = summarise(rewards);
  const result: RunEvaluation = {
    env: env.id,
    checkpoint: snapshot.name,
    env_steps: snapshot.envSteps,
    mean_reward: returns.mean,
    std_reward: returns.std,
    mean_ep_length: summarise(lengths).mean,
    n_eval_episodes: episodes.length,
    is_deterministic: bestOf === 1,
    best_of: bestOf,
    seed,
    eval_datetime: new Date().toISOString(),
    episode_rewards: rewards,
    episode_lengths: lengths,
    ...(videos ? { videos } : {}),
  };
  const path = join(evaluation, "results.json");
  replaceDurable(path, `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

async function modelOf(snapshot: Checkpoint, config: Config, bestOf: number): Promise<Uint8Array> {
  if (bestOf > 1) {
    // Loads the compiler, which an exported policy does without.
    const { chooserModel } = await import("../learner/chooser-model.ts");
    return await chooserModel(snapshot, config, bestOf);
  }
  const model = snapshot.files[POLICY_FILE];
  if (model) return model;
  throw new RunError("CHECKPOINT_CORRUPT", `${snapshot.folder} has no ${POLICY_FILE}`);
}

/** Films the first episodes of a run into `folder`, unless files are named. */
async function film(
  folder: string,
  options: RunVideoOptions,
  scene: Omit<VideoScene, "policy"> & { open(): Promise<LoadedPolicy> },
): Promise<FilmFile[]> {
  const files = options.files ?? FILM_ENDINGS.map((ending) => join(folder, `video${ending}`));
  await using policy = await scene.open();
  return await recordVideo({ ...scene, policy }, { ...options, files });
}
