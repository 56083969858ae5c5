import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";
import type { InfoBuffer } from "../mujoco/task.ts";

/** Adds uniform noise from [-scale, scale) to each value. */
export function addUniform(values: Float64Array, scale: number, random: RandomStream): void {
  for (let i = 0; i < values.length; i++) values[i]! += random.uniformBetween(-scale, scale);
}

/** Adds `scale` times standard normal noise to each value. */
export function addNormal(values: Float64Array, scale: number, random: RandomStream): void {
  for (let i = 0; i < values.length; i++) values[i]! += scale * random.normal();
}

/** |values|^2, summed from first to last. */
export function squaredNorm(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

/** Distance of the points that begin at indices `a` and `b` of `positions`. */
export function distance3(positions: Float64Array, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < 3; i++) {
    const difference = positions[a + i]! - positions[b + i]!;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

/** The value, moved to the interval's nearer end when it lies outside. */
export function clip(value: number, [low, high]: readonly [number, number]): number {
  return Math.min(Math.max(value, low), high);
}

/** Whether the value lies strictly inside the interval; NaN lies in none. */
export function strictlyInside(value: number, [low, high]: readonly [number, number]): boolean {
  return low < value && value < high;
}

/** How qpos and qvel become an observation. */
export interface StateLayout {
  /** Leading positions left out. */
  readonly skip: number;
  /** Velocities are clipped to +- this. */
  readonly velocityLimit: number;
}

/** Writes qpos from `skip` on, then the clipped qvel. */
export function writeState(simulation: Simulation, layout: StateLayout, out: Float64Array): void {
  const { qpos, qvel } = simulation;
  const { skip, velocityLimit } = layout;
  let at = 0;
  for (let i = skip; i < qpos.length; i++) out[at++] = qpos[i]!;
  for (let i = 0; i < qvel.length; i++) {
    out[at++] = Math.min(Math.max(qvel[i]!, -velocityLimit), velocityLimit);
  }
}

/** Copies `values` from index `from` on to `out` at `at`; returns the index after the last one written. */
export function append(
  values: Float64Array,
  from: number,
  { out, at }: { readonly out: Float64Array; readonly at: number },
): number {
  let next = at;
  for (let i = from; i < values.length; i++) out[next++] = values[i]!;
  return next;
}

/** Sets where the body is, and how far from the origin. @param qpos Positions that begin with x and y. */
export function writePosition(qpos: Float64Array, info: InfoBuffer): void {
  const x = qpos[0]!;
  const y = qpos[1]!;
  info["x_position"] = x;
  info["y_position"] = y;
  info["distance_from_origin"] = Math.sqrt(x * x + y * y);
}

/** Where the whole model's centre of mass was at the last evaluation of the dynamics. */
export class MassCentre {
  readonly #arrays: Readonly<Record<"xipos", Float64Array>>;
  readonly #masses: Float64Array;
  readonly #total: number;

  constructor(simulation: Simulation) {
    this.#arrays = simulation.track("xipos");
    this.#masses = Float64Array.from(simulation.model.body_mass as Float64Array);
    this.#total = this.#masses.reduce((sum, mass) => sum + mass, 0);
  }

  /** @param axis 0 for x, 1 for y, 2 for z. */
  along(axis: number): number {
    const { xipos } = this.#arrays;
    const masses = this.#masses;
    let sum = 0;
    for (let i = 0; i < masses.length; i++) sum += masses[i]! * xipos[3 * i + axis]!;
    return sum / this.#total;
  }
}

/** Lengths and velocities of the tendons as `tendon_length_0`, `tendon_velocity_0`, and so on. */
export class TendonInfo {
  /** Every name with 0. */
  readonly names: Readonly<Record<string, number>>;
  readonly #arrays: Readonly<Record<"ten_length" | "ten_velocity", Float64Array>>;
  readonly #lengths: readonly string[];
  readonly #velocities: readonly string[];

  constructor(simulation: Simulation) {
    this.#arrays = simulation.track("ten_length", "ten_velocity");
    const tendons = Array.from({ length: simulation.model.ntendon }, (_, i) => i);
    this.#lengths = tendons.map((i) => `tendon_length_${i}`);
    this.#velocities = tendons.map((i) => `tendon_velocity_${i}`);
    this.names = Object.fromEntries(
      [...this.#lengths, ...this.#velocities].map((name) => [name, 0]),
    );
  }

  write(info: InfoBuffer): void {
    const { ten_length, ten_velocity } = this.#arrays;
    for (let i = 0; i < this.#lengths.length; i++) {
      info[this.#lengths[i]!] = ten_length[i]!;
      info[this.#velocities[i]!] = ten_velocity[i]!;
    }
  }
}

export const noiseScale = (scale: number) =>
  z.number().nonnegative().default(scale).describe("size of the noise on the start state");

export const hiddenPositions = (names: string) =>
  z.boolean().default(true).describe(`leave ${names} out of the observation`);
