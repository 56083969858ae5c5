import { readFileSync } from "node:fs";
import type { Algorithm } from "../../src/algorithms/algorithm.ts";
import type { ParameterValues } from "../../src/algorithms/networks.ts";
import { sac, sacDefaults } from "../../src/algorithms/sac.ts";
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
  readonly after: Readonly<Record<string, EncodedGroup>> & {
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

/** Two consecutive SAC updates, recorded by test/fixtures/algorithms/record_sac.py. */
export interface RecordedSac {
  readonly algorithm: Algorithm;
  readonly before: ParameterValues;
  readonly updates: readonly RecordedUpdate[];
  readonly after: ParameterValues;
  /** Adam's moments after the last update. */
  readonly first: ParameterValues;
  readonly second: ParameterValues;
}

export function loadRecordedSac(): RecordedSac {
  const file = new URL("../fixtures/algorithms/sac_update.json", import.meta.url);
  const recording = JSON.parse(readFileSync(file, "utf8")) as Recording;
  const { sizes, learningRates, tau, after } = recording;
  const options = { ...sacDefaults, hidden: [sizes.hidden, sizes.hidden], learningRates, tau };
  const algorithm = sac(options, {
    observationSize: sizes.observation,
    actionSize: sizes.action,
    batchSize: sizes.batch,
  });
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
