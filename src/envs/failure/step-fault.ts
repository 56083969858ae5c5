import type { ResetResult, StepInfo, StepResult } from "../env.ts";

/** Why what a step gave is of no use, `size` being that of observations; undefined: it is fine. */
export function stepFault(result: StepResult, size: number): string | undefined {
  const malformed = shapeFault(result);
  if (malformed !== undefined) return malformed;
  const { observation, reward, terminated, truncated, info } = result;
  if (!Number.isFinite(reward)) return `reward ${reward}${culprits(info ?? {})}`;
  if (typeof terminated !== "boolean") return `terminated ${String(terminated)}, no boolean`;
  if (typeof truncated !== "boolean") return `truncated ${String(truncated)}, no boolean`;
  return observationFault(observation, size);
}

/** The same of a reset. */
export function resetFault(result: ResetResult, size: number): string | undefined {
  return shapeFault(result) ?? observationFault(result.observation, size);
}

/** What a step or reset gave that is not even a result; undefined: it is one. */
export function shapeFault(result: unknown): string | undefined {
  if (result instanceof Promise) {
    // Nobody will wait for it.
    result.catch(() => undefined);
    return "a promise instead of a result (it cannot be async)";
  }
  if (Array.isArray(result)) return "a list instead of a result by names (observation, reward, …)";
  if (typeof result !== "object" || result === null) return `${String(result)} instead of a result`;
  const { observation } = result as { readonly observation?: unknown };
  if (typeof observation === "object" && observation !== null && "length" in observation) return;
  return `${observation === undefined ? "no" : String(observation)} observation`;
}

/**
 * What is wrong with an episode that goes on after `step` steps, though its environment says it ends at
 * `maxEpisodeSteps`; undefined: nothing.
 */
export function endlessFault(
  { terminated, truncated }: StepResult,
  step: number,
  maxEpisodeSteps: number,
): string | undefined {
  if (terminated || truncated || step < maxEpisodeSteps) return undefined;
  return `the episode does not end (maxEpisodeSteps ${maxEpisodeSteps})`;
}

function observationFault(observation: ArrayLike<number>, size: number): string | undefined {
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
