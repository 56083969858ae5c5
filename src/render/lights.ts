import type { MjModel } from "@mujoco/mujoco";
import type { CameraPose, Scene } from "./camera.ts";
import type { ShapeTable } from "./shapes.ts";

/** mjtLightType: rays are parallel. Others come from a point. */
const DIRECTIONAL = 1;

/** A row of pixels on a shape. */
export interface Surface {
  /** [width, 3], in the shape's coordinates. */
  readonly points: Float64Array;
  /** [width, 3], unit vectors. */
  readonly normals: Float64Array;
}

/**
 * The head light, which shines along the view, and the model's own lights. Diffuse and ambient, without
 * shadows or attenuation; spot lights keep their cone.
 */
export class Lights {
  readonly count: number;
  /** [count], 1 for parallel rays. */
  readonly parallel: Uint8Array;
  readonly allParallel: boolean;
  /** [count, 3], red, green, blue. */
  readonly diffuse: Float64Array;
  /** [3], of all lights together. */
  readonly ambient = new Float64Array(3);
  /** [count], cosine of the cone's half angle; -1 where there is no cone. */
  readonly cone: Float64Array;
  readonly exponent: Float64Array;
  /** [count, 3], in the placed shape's coordinates: unit vector to a parallel light, else its position. */
  readonly sources: Float64Array;
  /** [count, 3], in the same coordinates: unit vector along which the light shines. */
  readonly aims: Float64Array;

  readonly #scene: Scene;
  /** The model's number of each light, -1: the head light. */
  readonly #indices: Int32Array;
  /** `sources` and `aims` in the world. */
  readonly #worldSources: Float64Array;
  readonly #worldAims: Float64Array;
  #positions = new Float64Array(0);
  #directions = new Float64Array(0);

  constructor(scene: Scene) {
    const { model } = scene;
    const head = model.vis.headlight;
    this.#scene = scene;
    this.#indices = Int32Array.from([...(head.active ? [-1] : []), ...activeLights(model)]);
    const count = this.#indices.length;
    this.count = count;
    this.parallel = new Uint8Array(count);
    this.diffuse = new Float64Array(3 * count);
    this.cone = new Float64Array(count).fill(-1);
    this.exponent = new Float64Array(count);
    this.sources = new Float64Array(3 * count);
    this.aims = new Float64Array(3 * count);
    this.#worldSources = new Float64Array(3 * count);
    this.#worldAims = new Float64Array(3 * count);
    for (let l = 0; l < count; l++) this.#describe(l);
    this.allParallel = this.parallel.every((flag) => flag === 1);
  }

  /** Brings the lights up to date with the data and the camera. */
  read(pose: CameraPose): void {
    // A model without lights has empty views for ever.
    if (this.#positions.length === 0 && this.#scene.model.nlight > 0) {
      this.#positions = this.#scene.data.light_xpos;
      this.#directions = this.#scene.data.light_xdir;
    }
    const sources = this.#worldSources;
    const aims = this.#worldAims;
    for (let l = 0; l < this.count; l++) {
      const index = this.#indices[l]!;
      for (let a = 0; a < 3; a++) {
        const aim = index < 0 ? -pose.rotation[3 * a + 2]! : this.#directions[3 * index + a]!;
        aims[3 * l + a] = aim;
        sources[3 * l + a] = this.parallel[l] ? -aim : this.#positions[3 * index + a]!;
      }
    }
  }

  /** Writes `sources` and `aims` for shape `k`. */
  place(table: ShapeTable, k: number): void {
    const { positions, rotations } = table;
    const sources = this.#worldSources;
    const aims = this.#worldAims;
    for (let l = 0; l < this.count; l++) {
      const origin = this.parallel[l] ? 0 : 1;
      for (let axis = 0; axis < 3; axis++) {
        let source = 0;
        let aim = 0;
        for (let a = 0; a < 3; a++) {
          const along = rotations[9 * k + 3 * a + axis]!;
          source += along * (sources[3 * l + a]! - origin * positions[3 * k + a]!);
          aim += along * aims[3 * l + a]!;
        }
        this.sources[3 * l + axis] = source;
        this.aims[3 * l + axis] = aim;
      }
    }
  }

  /** Cosine, negative from behind, of what light `l` throws on column `j` of a row of the placed shape. */
  strength(l: number, j: number, surface: Surface): number {
    const { sources } = this;
    const { points, normals } = surface;
    const x = sources[3 * l]!;
    const y = sources[3 * l + 1]!;
    const z = sources[3 * l + 2]!;
    const nx = normals[3 * j]!;
    const ny = normals[3 * j + 1]!;
    const nz = normals[3 * j + 2]!;
    if (this.parallel[l]) return x * nx + y * ny + z * nz;
    const dx = x - points[3 * j]!;
    const dy = y - points[3 * j + 1]!;
    const dz = z - points[3 * j + 2]!;
    const scale = 1 / Math.sqrt(dx * dx + dy * dy + dz * dz);
    return (
      (dx * nx + dy * ny + dz * nz) * scale * this.#inCone(l, [dx * scale, dy * scale, dz * scale])
    );
  }

  /** How much of a spot light goes into a direction from the surface, a unit vector. */
  #inCone(l: number, [x, y, z]: readonly [number, number, number]): number {
    if (this.cone[l] === -1) return 1;
    const { aims } = this;
    const cosine = -(x * aims[3 * l]! + y * aims[3 * l + 1]! + z * aims[3 * l + 2]!);
    return cosine < this.cone[l]! ? 0 : cosine ** this.exponent[l]!;
  }

  #describe(l: number): void {
    const { model } = this.#scene;
    const index = this.#indices[l]!;
    const isHead = index < 0;
    const own = isHead ? headLight(model) : undefined;
    const diffuse: ArrayLike<number> = own?.diffuse ?? triple(model.light_diffuse, index);
    const ambient: ArrayLike<number> = own?.ambient ?? triple(model.light_ambient, index);
    this.diffuse.set(diffuse, 3 * l);
    for (let a = 0; a < 3; a++) this.ambient[a] = this.ambient[a]! + ambient[a]!;
    this.parallel[l] = isHead || model.light_type[index] === DIRECTIONAL ? 1 : 0;
    if (this.parallel[l] || model.light_cutoff[index] >= 90) return;
    this.cone[l] = Math.cos((model.light_cutoff[index] * Math.PI) / 180);
    this.exponent[l] = model.light_exponent[index];
  }
}

/**
 * The engine's default head light is a complement to others. A model that says nothing about light gets
 * dm_control's instead, which does without.
 */
function headLight(model: MjModel): { diffuse: ArrayLike<number>; ambient: ArrayLike<number> } {
  const { diffuse, ambient } = model.vis.headlight;
  const isDefault = Math.abs(diffuse[0] - 0.4) < 1e-6 && Math.abs(ambient[0] - 0.1) < 1e-6;
  if (model.nlight > 0 || !isDefault) return { diffuse, ambient };
  return { diffuse: [0.8, 0.8, 0.8], ambient: [0.4, 0.4, 0.4] };
}

function triple(values: Float32Array, index: number): Float32Array {
  return values.subarray(3 * index, 3 * index + 3);
}

/** The binding's getter for all flags at once throws; elements can be read one by one. */
function activeLights(model: MjModel): number[] {
  return Array.from({ length: model.nlight }, (_, i) => i).filter((i) => {
    const light = model.light(i);
    const { active } = light;
    light.delete();
    return Boolean(active);
  });
}
