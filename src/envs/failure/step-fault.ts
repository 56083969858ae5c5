import type { StepInfo } from "../env.ts";

/** What a step, or a reset with a reward of 0, gave. */
export interface Outcome {
  readonly observation: ArrayLike<number>;
  readonly reward: number;
  readonly info?: StepInfo;
}

/** Why an outcome of an environment that observes `size` numbers is of no use; undefined: it is fine. */
export function stepFault(
  { observation, reward, info }: Outcome,
  size: number,
): string | undefined {
  if (!Number.isFinite(reward)) return `reward ${reward}${culprits(info ?? {})}`;
  if (observation.length !== size) {
    return `an observation of ${observation.length} numbers instead of ${size}`;
  }
  for (let i = 0; i < size; i++) {
    if (!Number.isFinite(observation[i])) return `observation[${i}] ${observation[i]}`;
  }
  return undefined;
}

/** The terms that are to blame for a reward. */
function culprits(info: StepInfo): string {
  const bad = Object.entries(info).filter(([, value]) => !Number.isFinite(value));
  if (bad.length === 0) return "";
  return ` (${bad.map(([name, value]) => `${name} ${value}`).join(", ")})`;
}
