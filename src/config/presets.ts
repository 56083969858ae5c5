import { type Assignment, AssignmentList } from "./assignments.ts";
import type { ConfigInput } from "./schema.ts";

const tanhOrthogonal = { activation: "tanh", initialisation: "orthogonal" } as const;

/** Defaults that an algorithm has other than the schema's, by `algorithm.name`. */
export const presets: Readonly<Record<string, ConfigInput>> = {
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
};

/** `input` over the preset of the algorithm that it names. */
export function withPreset(input: unknown): unknown {
  return isSection(input) ? merge(presets[presetIn(input) ?? ""] ?? {}, input) : input;
}

/** The same, field by field: what the algorithm that `input` names presets. */
export function presetAssignments(input: unknown): readonly Assignment[] {
  const name = presetIn(input);
  const list = new AssignmentList();
  for (const [key, value] of Object.entries(presets[name ?? ""] ?? {})) {
    list.add([key], value, { kind: "preset", name: name ?? "" });
  }
  return list.assignments;
}

function presetIn(input: unknown): string | undefined {
  const algorithm = isSection(input) ? input["algorithm"] : undefined;
  const name = isSection(algorithm) ? algorithm["name"] : undefined;
  return typeof name === "string" && Object.hasOwn(presets, name) ? name : undefined;
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
