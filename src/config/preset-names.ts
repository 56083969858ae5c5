/** Presets by name, with the algorithm that each configures. What they hold is in presets.ts. */
export const presetAlgorithms = {
  sac: "sac",
  "sac-plus": "sac",
  drqv2: "drqv2",
  pixels: "drqv2",
  "pixels-small": "drqv2",
  ppo: "ppo",
} as const satisfies Readonly<Record<string, "sac" | "drqv2" | "ppo">>;

export type PresetName = keyof typeof presetAlgorithms;

export function isPresetName(name: unknown): name is PresetName {
  return typeof name === "string" && Object.hasOwn(presetAlgorithms, name);
}
