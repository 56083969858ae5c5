import { z } from "zod";
import type { Simulation } from "../mujoco/engine.ts";
import { append, hiddenPositions, type StateLayout, writeState } from "./task-parts.ts";

/** Which parts a humanoid observes; options of Humanoid-v5 and HumanoidStandup-v5. */
export const observationOptions = {
  exclude_current_positions_from_observation: hiddenPositions("x and y"),
  include_cinert_in_observation: z.boolean().default(true).describe("observe inertias"),
  include_cvel_in_observation: z.boolean().default(true).describe("observe bodies' velocities"),
  include_qfrc_actuator_in_observation: z
    .boolean()
    .default(true)
    .describe("observe the actuators' forces"),
  include_cfrc_ext_in_observation: z.boolean().default(true).describe("observe contact forces"),
};

type ObservationOptions = z.output<z.ZodObject<typeof observationOptions>>;

/** What v4 observes: everything, the world's rows and the root's actuator forces included. */
export const OBSERVED_V4 = {
  include_cinert_in_observation: true,
  include_cvel_in_observation: true,
  include_qfrc_actuator_in_observation: true,
  include_cfrc_ext_in_observation: true,
  wholeRows: true,
} as const;

export interface HumanoidLayout extends ObservationOptions {
  /** Whether the rows of the world and the actuator forces on the free joint, all zero, are observed too. */
  readonly wholeRows: boolean;
}

/** A field of the engine's data that is observed from an index on. */
interface Segment {
  readonly field: "cinert" | "cvel" | "qfrc_actuator" | "cfrc_ext";
  readonly from: number;
}

/** Degrees of freedom of the free joint at the root. */
const ROOT_DOFS = 6;

/**
 * [q2.., v0.., inertia and mass of the bodies, their velocities, actuator forces, contact forces], everything
 * about bodies being that of the last evaluation of the dynamics.
 */
export class HumanoidObservation {
  readonly size: number;
  readonly #simulation: Simulation;
  readonly #state: StateLayout;
  readonly #segments: readonly Segment[];
  readonly #arrays: Readonly<Record<Segment["field"], Float64Array>>;

  constructor(simulation: Simulation, layout: HumanoidLayout) {
    this.#simulation = simulation;
    const skip = layout.exclude_current_positions_from_observation ? 2 : 0;
    this.#state = { skip, velocityLimit: Number.POSITIVE_INFINITY };
    this.#arrays = simulation.track("cinert", "cvel", "qfrc_actuator", "cfrc_ext");
    const segments: (Segment & { readonly observed: boolean })[] = [
      { field: "cinert", from: 10, observed: layout.include_cinert_in_observation },
      { field: "cvel", from: 6, observed: layout.include_cvel_in_observation },
      {
        field: "qfrc_actuator",
        from: ROOT_DOFS,
        observed: layout.include_qfrc_actuator_in_observation,
      },
      { field: "cfrc_ext", from: 6, observed: layout.include_cfrc_ext_in_observation },
    ];
    this.#segments = segments
      .filter(({ observed }) => observed)
      .map(({ field, from }) => ({ field, from: layout.wholeRows ? 0 : from }));
    const { nq, nv } = simulation.model;
    let size = nq - skip + nv;
    for (const { field, from } of this.#segments) size += this.#arrays[field].length - from;
    this.size = size;
  }

  write(out: Float64Array): void {
    const { qpos, qvel } = this.#simulation;
    writeState(this.#simulation, this.#state, out);
    let at = qpos.length - this.#state.skip + qvel.length;
    for (const { field, from } of this.#segments) {
      at = append(this.#arrays[field], from, { out, at });
    }
  }
}
