import { didYouMean } from "../../config/nearest.ts";
import { RunError } from "../../errors.ts";
import type { ElementKind, Simulation } from "./engine.ts";

/**
 * A stretch of one of the engine's arrays, live: writing to it writes to the engine. Read anew by each
 * call, because the heap may have moved; never keep what it returns.
 */
export type Row = () => Float64Array;

/**
 * A row that is looked up by `fetch` once, and again whenever the heap has moved: reading an array
 * through the binding takes longer than a small model's timestep.
 */
export function liveRow(fetch: () => Float64Array): Row {
  let row = fetch();
  return () => {
    // Views of a heap that has moved have length 0.
    if (row.length === 0) row = fetch();
    return row;
  };
}

/** Derived arrays with one row per element: [kind, numbers per element]. */
const DATA_ROWS = {
  xpos: ["body", 3],
  xquat: ["body", 4],
  xmat: ["body", 9],
  xipos: ["body", 3],
  geom_xpos: ["geom", 3],
  geom_xmat: ["geom", 9],
  site_xpos: ["site", 3],
  site_xmat: ["site", 9],
  xanchor: ["joint", 3],
} as const satisfies Record<string, readonly [ElementKind, number]>;

/** Fields of the compiled model, likewise. */
const MODEL_ROWS = {
  body_pos: ["body", 3],
  body_quat: ["body", 4],
  geom_pos: ["geom", 3],
  geom_size: ["geom", 3],
  site_pos: ["site", 3],
  site_size: ["site", 3],
} as const satisfies Record<string, readonly [ElementKind, number]>;

export type DataField = keyof typeof DATA_ROWS;
export type ModelField = keyof typeof MODEL_ROWS;

/** @throws RunError ENV_FAILED when the model has no such element, naming the nearest one. */
export function indexOf(simulation: Simulation, kind: ElementKind, name: string): number {
  const index = simulation.indexOf(kind, name);
  if (index >= 0) return index;
  const names = simulation.namesOf(kind);
  const known = names.length === 0 ? `it names no ${kind}` : `it has ${firstOf(names)}`;
  throw new RunError(
    "ENV_FAILED",
    `the model has no ${kind} "${name}"${didYouMean(name, names)}; ${known}`,
  );
}

/** A robot may have hundreds. */
function firstOf(names: readonly string[], most = 20): string {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return names.slice(0, most).join(", ") + more;
}

/** What the engine derived about one element, e.g. ("xmat", "torso"), row-major. */
export function dataRow(simulation: Simulation, field: DataField, name: string): Row {
  const [kind, size] = DATA_ROWS[field];
  const start = size * indexOf(simulation, kind, name);
  return liveRow(() => (simulation.data[field] as Float64Array).subarray(start, start + size));
}

/** A field of one element of the compiled model, e.g. ("geom_pos", "target"). */
export function modelRow(simulation: Simulation, field: ModelField, name: string): Row {
  const [kind, size] = MODEL_ROWS[field];
  const start = size * indexOf(simulation, kind, name);
  return liveRow(() => (simulation.model[field] as Float64Array).subarray(start, start + size));
}

/** A sensor's reading. */
export function sensorRow(simulation: Simulation, name: string): Row {
  const index = indexOf(simulation, "sensor", name);
  const start: number = simulation.model.sensor_adr[index];
  const end = start + simulation.model.sensor_dim[index];
  return liveRow(() => (simulation.data.sensordata as Float64Array).subarray(start, end));
}

/** The readings of several sensors, one after the other: a copy. */
export function sensorRows(simulation: Simulation, names: readonly string[]): Row {
  const indices = names.flatMap((name) => {
    const index = indexOf(simulation, "sensor", name);
    const start: number = simulation.model.sensor_adr[index];
    return Array.from({ length: simulation.model.sensor_dim[index] }, (_, i) => start + i);
  });
  return () => gather(simulation.data.sensordata, indices);
}

/** Numbers a free, ball, slide or hinge joint has in qpos and in qvel, by mjtJoint. */
const JOINT_SIZES = [
  [7, 6],
  [4, 3],
  [1, 1],
  [1, 1],
] as const;

/** A joint's numbers in qpos and in qvel. */
export function jointRows(
  simulation: Simulation,
  name: string,
): { readonly qpos: Row; readonly qvel: Row } {
  const { model } = simulation;
  const joint = indexOf(simulation, "joint", name);
  const [positions, velocities] = JOINT_SIZES[Number(model.jnt_type[joint])] ?? [1, 1];
  const position: number = model.jnt_qposadr[joint];
  const velocity: number = model.jnt_dofadr[joint];
  return {
    qpos: liveRow(() => simulation.qpos.subarray(position, position + positions)),
    qvel: liveRow(() => simulation.qvel.subarray(velocity, velocity + velocities)),
  };
}

/** Where a joint's numbers begin in qpos; hinges and slides have one. */
export function qposIndex(simulation: Simulation, joint: string): number {
  return simulation.model.jnt_qposadr[indexOf(simulation, "joint", joint)];
}

/** Where a joint's numbers begin in qvel; hinges and slides have one. */
export function qvelIndex(simulation: Simulation, joint: string): number {
  return simulation.model.jnt_dofadr[indexOf(simulation, "joint", joint)];
}

/** The values at `indices`, in that order. */
export function gather(values: Float64Array, indices: readonly number[]): Float64Array {
  return Float64Array.from(indices, (index) => values[index] ?? Number.NaN);
}
