import { z } from "zod";
import type { RandomStream } from "../../math/random.ts";
import type { Simulation } from "../mujoco/engine.ts";

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

export const noiseScale = (scale: number) =>
  z.number().nonnegative().default(scale).describe("size of the noise on the start state");

export const hiddenPositions = (names: string) =>
  z.boolean().default(true).describe(`leave ${names} out of the observation`);
