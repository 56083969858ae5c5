import type { Simulation } from "./engine.ts";

/**
 * How a suite drives the engine around a task's own rules. Everything returns null, or what went wrong.
 *
 * The difference is what a task sees after a step: the engine computes derived arrays, such as xpos,
 * before it integrates, so that they lag one timestep behind the state unless they are computed again.
 */
export interface Stepping {
  /** After the engine's reset, before the task draws its start. */
  prepare(simulation: Simulation): string | null;
  /** After the start has been drawn. */
  settle(simulation: Simulation): string | null;
  step(simulation: Simulation, timesteps: number): string | null;
  /** After a saved state has been loaded: what the next step reads besides. */
  resume(simulation: Simulation): void;
}

/** Gymnasium's: derived arrays lag one timestep behind. */
export const plainStepping: Stepping = {
  prepare: () => null,
  settle: (simulation) => simulation.forward(),
  step: (simulation, timesteps) => simulation.step(timesteps),
  resume: () => {},
};

/** The same for tasks that read contact forces, cfrc_ext: those of the last timestep; after a reset, zeros. */
export const forceStepping: Stepping = {
  ...plainStepping,
  step: (simulation, timesteps) => {
    const problem = simulation.step(timesteps);
    if (problem === null) simulation.computeExternalForces();
    return problem;
  },
};

/**
 * dm_control's "legacy step": positions and velocities are in step with the state, forces are those of
 * the last timestep. Actuators are off while an episode starts.
 *
 * Source: google-deepmind/dm_control, dm_control/mujoco/engine.py, Physics.step and Physics.reset.
 */
export const synchronisedStepping: Stepping = {
  prepare: (simulation) => simulation.forwardWithoutActuation(),
  settle: (simulation) => simulation.forwardWithoutActuation(),
  step: (simulation, timesteps) => simulation.stepSynchronised(timesteps),
  resume: (simulation) => simulation.synchronise(),
};
