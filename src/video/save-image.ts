import { encode } from "fast-png";
import type { Env } from "../envs/env.ts";
import { RunError } from "../errors.ts";
import type { RenderOptions } from "../render/renderer.ts";
import { assertFolder, writeFile } from "./film.ts";
import { openView } from "./record-episode.ts";

/**
 * Draws the start of an environment's first episode, seed 0, as a PNG file.
 * @throws RunError CONFIG_INVALID when it cannot be drawn, has no such camera, or the file is no .png or cannot be written.
 */
export function saveImage(env: Env, file: string, options: RenderOptions): void {
  if (!/\.png$/i.test(file)) {
    throw new RunError("CONFIG_INVALID", `${file}: a picture's name ends in .png`);
  }
  assertFolder(file);
  const { width, height } = options;
  const view = openView(env, options);
  env.reset({ seed: 0 });
  const data = view.render(new Uint8Array(3 * width * height));
  writeFile(file, encode({ width, height, data, channels: 3, depth: 8 }));
}
