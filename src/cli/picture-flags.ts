import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { RunError } from "../errors.ts";

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

/** What a picture is without --size. */
export const DEFAULT_SIZE: PictureSize = { width: 480, height: 480 };

export const sizeOption = new Option(
  "--size <pixels>",
  "width x height, or one number for a square (default: 480x480)",
).argParser(pictureSize);

export const cameraOption = new Option(
  "--camera <name>",
  'a camera of the model, or "free" (default: the first one)',
);

/** @throws RunError CONFIG_INVALID when flags are given that are about a picture nobody asked for with `wanted`. */
export function refuseWithout(wanted: string, flags: Readonly<Record<string, unknown>>): void {
  const [flag] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw new RunError("CONFIG_INVALID", `${flag} needs ${wanted}`);
}
