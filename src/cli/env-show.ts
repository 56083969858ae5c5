import type { Command } from "@commander-js/extra-typings";
import type { EnvEntry } from "../envs/entry.ts";
import type { BoxSpace, Env, Space } from "../envs/env.ts";
import type { OptionInfo } from "../envs/options.ts";
import { collectOption, parseOptionFlag } from "./option-flag.ts";
import {
  cameraOption,
  DEFAULT_SIZE,
  type PictureSize,
  refuseWithout,
  sizeOption,
} from "./picture-flags.ts";
import { table } from "./table.ts";

/** `troupe env show`. */
export function addEnvShowCommand(env: Command): void {
  env
    .command("show")
    .description("describe an environment: spaces, limits, reward, source, options")
    .argument("<env>", "environment id or file")
    .option(
      "-o, --option <name=value>",
      "option to make it with; may be repeated",
      collectOption,
      [],
    )
    .option("--json", "print JSON")
    .option("--image <file>", "draw the start of an episode as a PNG file")
    .addOption(cameraOption)
    .addOption(sizeOption)
    .action(show);
}

interface ShowFlags {
  readonly option: readonly string[];
  readonly json?: true | undefined;
  readonly image?: string | undefined;
  readonly camera?: string | undefined;
  readonly size?: PictureSize | undefined;
}

async function show(id: string, flags: ShowFlags): Promise<void> {
  const { option, json, image, camera, size } = flags;
  if (image === undefined) refuseWithout("--image", { "--camera": camera, "--size": size });
  const { findEnv, openEnv } = await import("../envs/registry.ts");
  const entry = await findEnv(id);
  // Its spaces are in its options, and without them there is nothing to make.
  if (entry.isExternal && option.length === 0 && image === undefined) {
    print({ ...entry.info, observationSpace: null, actionSpace: null }, json);
    return;
  }
  const env = await openEnv(id, Object.fromEntries(option.map(parseOptionFlag)));
  try {
    if (image !== undefined) {
      const { saveImage } = await import("../video/save-image.ts");
      saveImage(env, image, {
        ...(size ?? DEFAULT_SIZE),
        ...(camera === undefined ? {} : { camera }),
      });
    }
    print(await describe(entry, env), json);
  } finally {
    env.close();
  }
}

function print(description: Readonly<Record<string, unknown>>, json: true | undefined): void {
  console.log(json ? JSON.stringify(description, jsonSafe, 2) : lines(description));
}

async function describe({ info, isExternal }: EnvEntry, env: Env) {
  const { wrapperNames } = await import("../envs/wrappers/wrap.ts");
  return {
    ...info,
    id: env.id,
    // Under the options in force, not by default.
    dt: env.dt ?? info.dt,
    observationSpace: plainSpace(env.observationSpace),
    actionSpace: plainSpace(env.actionSpace),
    maxEpisodeSteps: Number.isFinite(env.maxEpisodeSteps) ? env.maxEpisodeSteps : null,
    stepInfo: isExternal ? [] : stepInfoOf(env),
    canCheckpoint: env.snapshot !== undefined,
    cameras: env.cameras ?? [],
    wrappers: isExternal ? [] : wrapperNames,
  };
}

/** The numbers that come with each step, the reward's terms among them. */
function stepInfoOf(env: Env): readonly string[] {
  const { actionSpace } = env;
  env.reset({ seed: 0 });
  const size = actionSpace.kind === "box" ? actionSpace.size : 1;
  return Object.keys(env.step(new Float32Array(size)).info);
}

function plainSpace(space: Space) {
  if (space.kind === "discrete") return space;
  return { ...space, low: [...space.low], high: [...space.high] };
}

/** JSON has no infinities; as text they survive. */
function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function lines(description: Readonly<Record<string, unknown>>): string {
  const { options, ...rest } = description;
  const rows = Object.entries(rest).map(([key, value]) => [key, oneLine(value)]);
  if (!Array.isArray(options) || options.length === 0) return table(rows);
  const optionRows = (options as readonly OptionInfo[]).map((option) => [
    `  ${option.name}`,
    option.default === undefined ? "none" : oneLine(option.default),
    option.description,
  ]);
  return `${table(rows)}\noptions (--set env.options.NAME=value)\n${table(optionRows)}`;
}

function oneLine(value: unknown): string {
  if (isSpace(value)) return spaceText(value);
  if (value === null) return "-";
  if (isTexts(value)) return value.length === 0 ? "-" : value.join(", ");
  if (typeof value === "string") return value;
  // As it would be given: YAML has infinities.
  return JSON.stringify(value, jsonSafe).replace(/"(-?)Infinity"/g, "$1.inf");
}

type PlainBox = Omit<BoxSpace, "low" | "high"> & {
  readonly low: readonly number[];
  readonly high: readonly number[];
};

type PlainSpace = PlainBox | Extract<Space, { kind: "discrete" }>;

function isSpace(value: unknown): value is PlainSpace {
  return typeof value === "object" && value !== null && "kind" in value;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function spaceText(space: PlainSpace): string {
  if (space.kind === "discrete") return `discrete, ${space.count} actions`;
  const { image, size, low, high } = space;
  if (image) {
    const { stack, channels, height, width } = image;
    return `${stack} frames of ${width} x ${height}, ${channels} channels of bytes`;
  }
  const all = (bounds: readonly number[]): string => {
    const same = bounds.every((bound) => bound === bounds[0]);
    return same ? String(bounds[0]) : `[${bounds.join(", ")}]`;
  };
  return `box of ${size}, from ${all(low)} to ${all(high)}`;
}
