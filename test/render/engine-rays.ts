import type { MainModule } from "@mujoco/mujoco";
import type { Simulation } from "../../src/envs/mujoco/engine.ts";
import { mujocoRuntime } from "../../src/envs/mujoco/module.ts";
import { type CameraPose, openCamera, type Scene } from "../../src/render/camera.ts";
import type { RenderOptions } from "../../src/render/renderer.ts";

/** The groups of geoms that MuJoCo shows by default. */
const VISIBLE = [1, 1, 1, 0, 0, 0];
/** Beyond rounding: where two geoms touch, either may be in front. */
const TOLERANCE = 1e-9;

/** A picture by the engine's own rays, to compare with. */
export class EnginePicture {
  readonly #module: MainModule;
  readonly #scene: Scene;
  readonly #pose: CameraPose;
  /** [height, width, 3], unit vectors through the pixels' middles. */
  readonly #rays: Float64Array;
  /** [height, width], geom numbers, -1 for none. */
  readonly #geoms: Int32Array;
  /** [height, width], metres along the ray. */
  readonly #distances: Float64Array;

  static async take(scene: Scene, options: RenderOptions): Promise<EnginePicture> {
    const { module } = await mujocoRuntime();
    return new EnginePicture(module, scene, options);
  }

  private constructor(module: MainModule, scene: Scene, options: RenderOptions) {
    const camera = openCamera(scene, options.camera);
    camera.read();
    this.#module = module;
    this.#scene = scene;
    this.#pose = camera.pose;
    this.#rays = directions(camera.pose, options);
    const count = options.width * options.height;
    const geoms = new module.IntBuffer(count);
    const distances = new module.DoubleBuffer(count);
    const origin = Array.from(camera.pose.position);
    const rays = this.#rays as unknown as number[];
    const { model, data } = scene;
    module.mj_multiRay(
      model,
      data,
      origin,
      rays,
      VISIBLE,
      true,
      -1,
      geoms,
      distances,
      null,
      count,
      1e10,
    );
    this.#geoms = Int32Array.from(geoms.GetView() as Int32Array);
    this.#distances = Float64Array.from(distances.GetView() as Float64Array);
    geoms.delete();
    distances.delete();
  }

  /** Pixels of `picture`, [height, width] geom numbers, that show something else. */
  differences(picture: Int32Array): { wrong: number[]; missedByEngine: number } {
    const wrong: number[] = [];
    let missedByEngine = 0;
    for (const [p, geom] of picture.entries()) {
      if (geom === this.#geoms[p] || this.#sameDistance(p, geom, this.#distances[p]!)) continue;
      const { geom: single, distance } = this.#castOne(this.#ray(p));
      // The engine's bundle of rays leaves out geoms by the angles of their boxes, at times too many.
      if (geom === single || this.#sameDistance(p, geom, distance)) missedByEngine++;
      else if (!this.#isGrazing(p, geom)) wrong.push(p);
    }
    return { wrong, missedByEngine };
  }

  #sameDistance(p: number, geom: number, distance: number): boolean {
    // A camera on a geom's surface is inside or outside of it by the last bit.
    if (distance >= 0 && distance < TOLERANCE) return true;
    if (geom < 0 || distance < 0) return false;
    const { model, data } = this.#scene;
    const own = this.#module.mju_rayGeom(
      data.geom_xpos.slice(3 * geom, 3 * geom + 3),
      data.geom_xmat.slice(9 * geom, 9 * geom + 9),
      model.geom_size.slice(3 * geom, 3 * geom + 3),
      Array.from(this.#pose.position),
      this.#ray(p),
      model.geom_type[geom],
      null,
    );
    return Math.abs(own - distance) <= TOLERANCE * (1 + distance);
  }

  /** Whether a ray beside this one hits `geom`: the last bit decides about rays that just touch it. */
  #isGrazing(p: number, geom: number): boolean {
    return [0, 1, 2].some((axis) =>
      [-TOLERANCE, TOLERANCE].some((shift) => {
        const ray = this.#ray(p).map((value, a) => (a === axis ? value + shift : value));
        return this.#castOne(ray).geom === geom;
      }),
    );
  }

  #castOne(ray: number[]): { geom: number; distance: number } {
    const { model, data } = this.#scene;
    const geom = new this.#module.IntBuffer(1);
    const origin = Array.from(this.#pose.position);
    const distance = this.#module.mj_ray(model, data, origin, ray, VISIBLE, true, -1, geom, null);
    const [hit = -1] = geom.GetView() as Int32Array;
    geom.delete();
    return { geom: hit, distance };
  }

  #ray(p: number): number[] {
    return Array.from(this.#rays.subarray(3 * p, 3 * p + 3));
  }
}

function directions(pose: CameraPose, { width, height }: RenderOptions): Float64Array {
  const { rotation, tangent } = pose;
  const rays = new Float64Array(3 * width * height);
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++, at += 3) {
      const x = ((2 * (j + 0.5)) / width - 1) * tangent * (width / height);
      const y = (1 - (2 * (i + 0.5)) / height) * tangent;
      const length = Math.hypot(x, y, 1);
      for (let a = 0; a < 3; a++) {
        const [right, up, back] = [rotation[3 * a]!, rotation[3 * a + 1]!, rotation[3 * a + 2]!];
        rays[at + a] = (right * x + up * y - back) / length;
      }
    }
  }
  return rays;
}

/** Poses every joint at random and computes what follows from it. */
export function shuffle(simulation: Simulation, random: () => number): void {
  simulation.reset();
  const { qpos } = simulation;
  for (let i = 0; i < qpos.length; i++) qpos[i] = qpos[i]! + 0.6 * (random() - 0.5);
  simulation.updatePoses();
}
