import { readFileSync } from "node:fs";
import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { type SacOptions, sac, sacDefaults } from "../../src/algorithms/sac.ts";
import type { Columns } from "./reference-update.ts";

interface Encoded {
  readonly shape: readonly number[];
  /** Little-endian float32, base64. */
  readonly data: string;
}

interface EncodedGroup {
  readonly [name: string]: Encoded;
}

interface Recording {
  readonly sizes: Readonly<Record<"observation" | "action" | "hidden" | "batch", number>>;
  readonly learningRates: Readonly<Record<"actor" | "critic" | "temperature", number>>;
  readonly tau: number;
  readonly before: Readonly<Record<string, EncodedGroup>>;
  readonly updates: readonly {
    readonly batch: EncodedGroup;
    readonly noise: EncodedGroup;
    readonly losses: Readonly<Record<"critic" | "actor" | "temperature", number>>;
    readonly tdErrors: Encoded;
    readonly gradients: Readonly<Record<string, EncodedGroup>>;
  }[];
  /** Of plain SAC alone. */
  readonly after?: Readonly<Record<string, EncodedGroup>> & {
    readonly first: Readonly<Record<string, EncodedGroup>>;
    readonly second: Readonly<Record<string, EncodedGroup>>;
  };
}

/** One update as JAX computed it. */
export interface RecordedUpdate {
  readonly batch: Columns;
  readonly noise: Columns;
  readonly losses: Recording["updates"][number]["losses"];
  readonly tdErrors: Float32Array;
  readonly gradients: ParameterValues;
}

/** A SAC update, or more, recorded by test/fixtures/algorithms/record_sac.py. */
export interface RecordedUpdates {
  readonly algorithm: Algorithm;
  readonly before: ParameterValues;
  readonly updates: readonly RecordedUpdate[];
}

/** Two consecutive updates of plain SAC. */
export interface RecordedSac extends RecordedUpdates {
  readonly after: ParameterValues;
  /** Adam's moments after the last update. */
  readonly first: ParameterValues;
  readonly second: ParameterValues;
}

export function loadRecordedSac(): RecordedSac {
  const recording = readRecording("sac_update");
  const { after } = recording;
  if (!after) throw new Error("a recording without an end");
  return {
    ...decodeUpdates(recording, {}),
    after: decodeGroups({
      actor: after["actor"]!,
      critic: after["critic"]!,
      temperature: after["temperature"]!,
      target: after["target"]!,
    }),
    first: decodeGroups(after.first),
    second: decodeGroups(after.second),
  };
}

/** One update with a categorical critic; hl-gauss's with layer norm in the critics. */
export function loadRecordedCategorical(critic: "hl-gauss" | "c51"): RecordedUpdates {
  return decodeUpdates(readRecording(`sac_${critic.replace("-", "_")}`), {
    critic,
    support: { atoms: 11, min: -5, max: 5, locations: "atoms" },
    criticNetwork: { norm: critic === "hl-gauss" ? "layer" : "none" },
  });
}

function readRecording(name: string): Recording {
  const file = new URL(`../fixtures/algorithms/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Recording;
}

function decodeUpdates(recording: Recording, other: Partial<SacOptions>): RecordedUpdates {
  const { sizes, learningRates, tau } = recording;
  const hidden = [sizes.hidden, sizes.hidden];
  const algorithm = sac(
    { ...sacDefaults, ...other, hidden, learningRates, tau },
    {
      observationSize: sizes.observation,
      actionSize: sizes.action,
      batchSize: sizes.batch,
    },
  );
  return {
    algorithm,
    before: decodeGroups(recording.before),
    updates: recording.updates.map((update) => ({
      batch: decodeGroup(update.batch),
      noise: decodeGroup(update.noise),
      losses: update.losses,
      tdErrors: decode(update.tdErrors),
      gradients: decodeGroups(update.gradients),
    })),
  };
}

/** The recording calls the slow critic "target". */
function decodeGroups(groups: Readonly<Record<string, EncodedGroup>>): ParameterValues {
  return Object.fromEntries(
    Object.entries(groups).map(([name, group]) => [
      name === "target" ? "targetCritic" : name,
      decodeGroup(group),
    ]),
  );
}

function decodeGroup(group: EncodedGroup): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(group).map(([name, value]) => [name, decode(value)]));
}

function decode({ data }: Encoded): Float32Array {
  const bytes = Buffer.from(data, "base64");
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}
