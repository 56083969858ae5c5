import type { Env } from "../envs/env.ts";
import { evaluate } from "../learner/evaluation.ts";
import type { LoadedPolicy } from "../learner/load-policy.ts";
import type { RenderOptions } from "../render/renderer.ts";
import { Film, type FilmFile } from "../video/film.ts";
import { filmEpisode, openView } from "../video/record-episode.ts";

export interface VideoOptions extends RenderOptions {
  /** Paths that end in .mp4 or .gif; each gets the whole film. */
  readonly files: readonly string[];
  readonly episodes: number;
}

/** What is filmed. */
export interface VideoScene {
  readonly openEnv: () => Promise<Env>;
  readonly policy: LoadedPolicy;
  /** Root of the episodes' seeds. */
  readonly seed: number;
}

/**
 * Films a policy's first evaluation episodes, one after another.
 *
 * @throws RunError CONFIG_INVALID, before anything runs, when the environment cannot be drawn, has no such
 * camera, or a file cannot be written; ENV_FAILED.
 */
export async function recordVideo(scene: VideoScene, options: VideoOptions): Promise<FilmFile[]> {
  const { width, height, files, episodes } = options;
  const dt = await inspect(scene, options);
  using film = await Film.open({ files, width, height, dt });
  for (let first = 0; first < episodes; first++) {
    await evaluate({ ...scene, episodes: 1, first, watch: filmEpisode(film, options) });
  }
  return film.save();
}

/** Returns the simulated seconds of a step. */
async function inspect(
  { openEnv }: VideoScene,
  options: RenderOptions,
): Promise<number | undefined> {
  const env = await openEnv();
  try {
    openView(env, options);
    return env.dt;
  } finally {
    env.close();
  }
}
