import type { Env, View } from "../envs/env.ts";
import { RunError } from "../errors.ts";
import type { RenderOptions } from "../render/renderer.ts";
import type { Film } from "./film.ts";

/**
 * Opens a view on an environment.
 * @throws RunError CONFIG_INVALID when it cannot be drawn, or has no such camera.
 */
export function openView(env: Env, options: RenderOptions): View {
  if (env.openView) return env.openView(options);
  throw new RunError(
    "CONFIG_INVALID",
    `${env.id} cannot be drawn: MuJoCo tasks can, and environments that have openView`,
  );
}

/** Films an episode: to be called after its reset and after each of its steps. */
export function filmEpisode(film: Film, options: RenderOptions): (env: Env) => void {
  const pixels = new Uint8Array(3 * options.width * options.height);
  let view: View | undefined;
  let step = 0;
  return (env) => {
    view ??= openView(env, options);
    if (film.shows(step)) film.add(step, view.render(pixels));
    step++;
  };
}
