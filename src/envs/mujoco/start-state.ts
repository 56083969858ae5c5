import type { StartState } from "../env.ts";
import { MAX_MAGNITUDE, type Simulation } from "./engine.ts";

/**
 * Overwrites what `state` gives, except the warm start: it is the caller's to write, after the forward
 * pass. Returns null, or what is impossible about it, in which case nothing was written.
 */
export function writeStartState(simulation: Simulation, state: StartState): string | null {
  const { qpos, qvel, act, warmstart } = simulation;
  const problem =
    problemOf("qpos", state.qpos, qpos.length) ??
    problemOf("qvel", state.qvel, qvel.length) ??
    problemOf("act", state.act, act.length) ??
    problemOf("warmstart", state.warmstart, warmstart.length);
  if (problem !== null) return problem;
  const { time = 0, edits } = state;
  if (!(time >= 0 && time <= MAX_MAGNITUDE)) return `time is ${time}`;
  if (edits && Object.keys(edits).length > 0) return "this task edits no model fields";
  if (state.qpos) qpos.set(state.qpos);
  if (state.qvel) qvel.set(state.qvel);
  if (state.act) act.set(state.act);
  simulation.time = time;
  return null;
}

function problemOf(
  name: string,
  values: ArrayLike<number> | undefined,
  length: number,
): string | null {
  if (!values) return null;
  if (values.length !== length) return `${name} needs ${length} numbers, not ${values.length}`;
  const bad = Array.from(values).findIndex((value) => !(Math.abs(value) <= MAX_MAGNITUDE));
  return bad < 0 ? null : `${name}[${bad}] is ${values[bad]}`;
}
