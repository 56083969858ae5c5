import type { StartState } from "../env.ts";
import { MAX_MAGNITUDE, type Simulation } from "./engine.ts";
import { type ModelEdits, problemOfNumbers } from "./model-edits.ts";

/**
 * Overwrites what `state` gives, except the warm start: it is the caller's to write, after the forward
 * pass. Returns null, or what is impossible about it, in which case nothing was written.
 */
export function writeStartState(
  simulation: Simulation,
  edits: ModelEdits,
  state: StartState,
): string | null {
  const problem = problemOfState(simulation, edits, state);
  if (problem !== null) return problem;
  const { qpos, qvel, act } = simulation;
  if (state.qpos) qpos.set(state.qpos);
  if (state.qvel) qvel.set(state.qvel);
  if (state.act) act.set(state.act);
  simulation.time = state.time ?? 0;
  edits.apply(state.edits ?? {});
  return null;
}

function problemOfState(
  simulation: Simulation,
  edits: ModelEdits,
  state: StartState,
): string | null {
  for (const field of ["qpos", "qvel", "act", "warmstart"] as const) {
    const values = state[field];
    const problem = values && problemOfNumbers(field, values, simulation[field].length);
    if (problem) return problem;
  }
  const { time = 0 } = state;
  if (!(time >= 0 && time <= MAX_MAGNITUDE)) return `time is ${time}`;
  return edits.problemOf(state.edits ?? {});
}
