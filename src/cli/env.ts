import type { Command } from "@commander-js/extra-typings";
import type { Env, Space } from "../envs/env.ts";
import type { OptionInfo } from "../envs/options.ts";
import { addEnvCheckCommand } from "./env-check.ts";
import { addEnvReplayCommand } from "./env-replay.ts";
import { cameraOption, type PictureSize, sizeOption } from "./picture-flags.ts";
import { table } from "./table.ts";

/** `troupe env list | show | check | replay`. */
export function addEnvCommand(program: Command): void {
  const env = program.command("env").description("list and describe environments");
  env
    .command("list")
    .description("list the registered environments")
    .option("--json", "print JSON")
    .action(list);
  env
    .command("show")
    .description("describe an environment: spaces, limits, options")
    .argument("<env>", "environment id or file")
    .option("--json", "print JSON")
    .option("--image <file>", "draw the start of an episode as a PNG file")
    .addOption(cameraOption)
    .addOption(sizeOption)
    .action(show);
  addEnvCheckCommand(env);
  addEnvReplayCommand(env);
}

interface OutputFlags {
  readonly json?: true | undefined;
}

async function list({ json }: OutputFlags): Promise<void> {
  const { listEnvs } = await import("../envs/registry.ts");
  const envs = listEnvs();
  if (json) {
    console.log(JSON.stringify(envs, null, 2));
    return;
  }
  const rows = envs.map(({ id, group, maxEpisodeSteps, dt, rewardThreshold }) => [
    id,
    group,
    text(maxEpisodeSteps),
    text(dt),
    text(rewardThreshold),
  ]);
  console.log(table([["id", "group", "max steps", "dt [s]", "solved at"], ...rows]));
}

interface ShowFlags extends OutputFlags {
  readonly image?: string | undefined;
  readonly camera?: string | undefined;
  readonly size: PictureSize;
}

async function show(id: string, { json, image, camera, size }: ShowFlags): Promise<void> {
  const { openEnv, listEnvs } = await import("../envs/registry.ts");
  const env = await openEnv(id);
  try {
    if (image !== undefined) {
      const { saveImage } = await import("../video/save-image.ts");
      saveImage(env, image, { ...size, ...(camera === undefined ? {} : { camera }) });
    }
    // A file's environment is in no list.
    const info = listEnvs().find((entry) => entry.id === id);
    const description = { id: env.id, ...info, ...spaces(env) };
    if (json) console.log(JSON.stringify(description, jsonSafe, 2));
    else console.log(lines(description));
  } finally {
    env.close();
  }
}

function spaces(env: Env) {
  return {
    observationSpace: plainSpace(env.observationSpace),
    actionSpace: plainSpace(env.actionSpace),
    maxEpisodeSteps: Number.isFinite(env.maxEpisodeSteps) ? env.maxEpisodeSteps : null,
    ...(env.cameras ? { cameras: env.cameras } : {}),
    canCheckpoint: env.snapshot !== undefined,
  };
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
  return `${table(rows)}\noptions\n${table(optionRows)}`;
}

function oneLine(value: unknown): string {
  if (isSpace(value)) return spaceText(value);
  return typeof value === "string" ? value : JSON.stringify(value, jsonSafe);
}

interface PlainBox {
  readonly kind: "box";
  readonly size: number;
  readonly low: readonly number[];
  readonly high: readonly number[];
}

function isSpace(value: unknown): value is PlainBox | Extract<Space, { kind: "discrete" }> {
  return typeof value === "object" && value !== null && "kind" in value;
}

function spaceText(space: PlainBox | Extract<Space, { kind: "discrete" }>): string {
  if (space.kind === "discrete") return `discrete, ${space.count} actions`;
  const all = (bounds: readonly number[]): string => {
    const same = bounds.every((bound) => bound === bounds[0]);
    return same ? String(bounds[0]) : `[${bounds.join(", ")}]`;
  };
  return `box of ${space.size}, from ${all(space.low)} to ${all(space.high)}`;
}

function text(value: number | null): string {
  return value === null ? "-" : String(value);
}
