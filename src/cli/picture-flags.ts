import { InvalidArgumentError, Option } from "@commander-js/extra-typings";

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Parses "640x480", or "480" for a square. */
function pictureSize(text: string): PictureSize {
  const [, width, height = width] = /^(\d+)(?:x(\d+))?$/.exec(text.trim()) ?? [];
  if (width === undefined) throw new InvalidArgumentError("It must be like 640x480, or 480.");
  return { width: Number(width), height: Number(height) };
}

const DEFAULT_SIZE: PictureSize = { width: 480, height: 480 };

export const sizeOption = new Option(
  "--size <pixels>",
  "width x height, or one number for a square",
)
  .argParser(pictureSize)
  .default(DEFAULT_SIZE, "480x480");

export const cameraOption = new Option(
  "--camera <name>",
  'a camera of the model, or "free" (default: the first one)',
);
