import { RunError } from "../../errors.ts";
import type { StartState } from "../env.ts";
import { MAX_MAGNITUDE, type Simulation } from "./engine.ts";

/**
 * Overwrites what `state` gives; its warm start is left to the caller, who runs the forward pass.
 * @throws RunError ENV_FAILED when a length or a number is impossible; nothing is written then.
 */
export function writeStartState(simulation: Simulation, state: StartState): void {
  const { qpos, qvel, act, warmstart } = simulation;
  const fields = [
    ["qpos", qpos, state.qpos],
    ["qvel", qvel, state.qvel],
    ["act", act, state.act],
    ["warmstart", warmstart, state.warmstart],
  ] as const;
  for (const [name, target, values] of fields) {
    if (values) assertPossible(name, values, target.length);
  }
  const { time = 0, edits } = state;
  if (!(time >= 0 && time <= MAX_MAGNITUDE)) refuse(`time is ${time}`);
  if (edits && Object.keys(edits).length > 0) refuse("this task edits no model fields");
  if (state.qpos) qpos.set(state.qpos);
  if (state.qvel) qvel.set(state.qvel);
  if (state.act) act.set(state.act);
  simulation.time = time;
}

function assertPossible(name: string, values: ArrayLike<number>, length: number): void {
  if (values.length !== length) refuse(`${name} has ${length} numbers, not ${values.length}`);
  for (let i = 0; i < length; i++) {
    const value = values[i] ?? Number.NaN;
    if (!(Math.abs(value) <= MAX_MAGNITUDE)) refuse(`${name}[${i}] is ${value}`);
  }
}

function refuse(what: string): never {
  throw new RunError("ENV_FAILED", `start state: ${what}`);
}
