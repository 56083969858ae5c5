import { type Assignment, AssignmentList } from "./assignments.ts";
import { isPresetName, type PresetName, presetAlgorithms } from "./preset-names.ts";
import type { ConfigInput } from "./schema.ts";

const tanhOrthogonal = { activation: "tanh", initialisation: "orthogonal" } as const;

const orthogonal = { initialisation: "orthogonal" } as const;

// facebookresearch/drqv2; with drm, XuGW-Kevin/DrM's for tasks of medium difficulty.
const drqv2 = {
  algorithm: {
    learningStarts: 2000,
    tau: 0.01,
    learningRates: { actor: 1e-4, critic: 1e-4 },
    hidden: [1024, 1024],
    network: { policy: orthogonal, critic: orthogonal },
    nStep: 3,
  },
  drm: { perturbMax: 1, independentTargetNoise: true },
  actors: { count: 1, unrollLength: 32 },
} satisfies ConfigInput;

/** Defaults other than the schema's, by name: of `preset`, or of `algorithm.name` without one. */
export const presets: Readonly<Record<PresetName, ConfigInput>> = {
  // The schema's own: arXiv 1812.05905, table 1.
  sac: {},
  // The best that was found in runs of ours: bench/results/critics-Walker2d-v5.json.
  "sac-plus": { algorithm: { critic: "hl-gauss" } },
  // vwxyzjn/cleanrl, cleanrl/ppo_continuous_action.py: one environment, 2048 steps, 32 minibatches.
  ppo: {
    algorithm: {
      learningStarts: 0,
      batchSize: 64,
      adam: { epsilon: 1e-5 },
      hidden: [64, 64],
      network: { policy: tanhOrthogonal, critic: tanhOrthogonal },
      rewardScaling: "deviation",
      normalizeObservations: true,
    },
    actors: { count: 1, unrollLength: 2048 },
  },
  drqv2,
  // DrM as published, in full size.
  pixels: { ...drqv2, env: { options: { pixels: 84 } }, drm: { ...drqv2.drm, enabled: true } },
  // The same for a processor with two cores: small images, small networks, a short schedule.
  "pixels-small": {
    ...drqv2,
    // Four steps for each action, as others have for small robots: more is seen to move between two frames.
    env: { options: { pixels: { size: 48, repeat: 4 } } },
    totalSteps: 40_000,
    algorithm: {
      ...drqv2.algorithm,
      ...{ learningStarts: 1000, batchSize: 64, hidden: [256, 256] },
      learningRates: { actor: 1e-4, critic: 1e-3 },
    },
    drqv2: { channels: 16, strides: [2, 2, 1, 1] },
    drm: {
      ...{ ...drqv2.drm, enabled: true, explorationSteps: 20_000 },
      // Small images of a small robot look alike: about half of the units sleep from the start.
      ...{ target: 0.6, perturbInterval: 10_000, perturbMin: 0.5 },
    },
    replay: { capacity: 40_000 },
    evaluation: { interval: 5000 },
  },
};

/** `input` over the preset that it names, or that of its algorithm. */
export function withPreset(input: unknown): unknown {
  const preset = presetIn(input);
  return preset && isSection(input) ? merge(preset.fields, input) : input;
}

/** The same, field by field. */
export function presetAssignments(input: unknown): readonly Assignment[] {
  const preset = presetIn(input);
  const list = new AssignmentList();
  for (const [key, value] of Object.entries(preset?.fields ?? {})) {
    list.add([key], value, { kind: "preset", name: preset?.name ?? "" });
  }
  return list.assignments;
}

function presetIn(input: unknown): { name: PresetName; fields: Section } | undefined {
  if (!isSection(input)) return undefined;
  const named = input["preset"];
  if (isPresetName(named)) {
    const algorithm = { name: presetAlgorithms[named] };
    return { name: named, fields: merge({ algorithm }, presets[named]) };
  }
  const algorithm = input["algorithm"];
  const name = isSection(algorithm) ? algorithm["name"] : undefined;
  return isPresetName(name) ? { name, fields: presets[name] } : undefined;
}

type Section = Readonly<Record<string, unknown>>;

function merge(below: Section, above: Section): Section {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key];
    merged[key] = isSection(under) && isSection(value) ? merge(under, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
