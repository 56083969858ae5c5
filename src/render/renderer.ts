import { RunError } from "../errors.ts";
import { type Camera, type CameraChoice, openCamera, type Scene } from "./camera.ts";
import { DEFAULT_GREY, Drawables } from "./drawables.ts";
import { Lights } from "./lights.ts";
import { Projection } from "./projection.ts";
import { RayCaster } from "./ray-caster.ts";
import { type Paint, Shader } from "./shading.ts";
import { DepthBuffer, PLANE } from "./shapes.ts";
import { Sky } from "./sky.ts";
import { defaultChecker, readSurfaces, type Surfaces, type Texture } from "./surfaces.ts";

export interface RenderOptions {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** The model's first camera, or its free view when it has none, when left out. */
  readonly camera?: CameraChoice;
  /** Groups of geoms, sites and tendons that are shown; 0, 1 and 2, as MuJoCo's, when left out. */
  readonly groups?: readonly number[];
}

/** Larger pictures are typing mistakes. */
const MAX_SIDE = 8192;

/**
 * Draws a MuJoCo model as its data stand: every pixel's ray is intersected with the shapes themselves, so
 * there is no mesh, no graphics card and no rounding of silhouettes. Geoms, sites and tendons of the
 * groups that MuJoCo shows by default; meshes and height fields as boxes; no shadows.
 *
 * Not re-entrant; holds nothing outside the JavaScript heap, and must not be used once the model is gone.
 */
export class Renderer {
  readonly width: number;
  readonly height: number;
  /** Names of geoms that are shown as the box around them: meshes and height fields. */
  readonly boxed: readonly string[];

  readonly #camera: Camera;
  readonly #drawables: Drawables;
  readonly #projection: Projection;
  readonly #buffer: DepthBuffer;
  readonly #rays: RayCaster;
  readonly #lights: Lights;
  readonly #shader: Shader;
  readonly #surfaces: Surfaces;
  readonly #sky: Sky;
  readonly #checker: Texture = defaultChecker();
  readonly #paint: Paint = {
    colour: new Float64Array(3),
    alpha: 1,
    emission: 0,
    texture: undefined,
  };
  /** Shapes that let light through, farthest first, and how far. */
  readonly #clear: Int32Array;
  readonly #distances: Float64Array;

  /** @throws RunError CONFIG_INVALID for a size or camera that cannot be. */
  constructor(scene: Scene, options: RenderOptions) {
    const { width, height } = options;
    assertSide("width", width);
    assertSide("height", height);
    this.width = width;
    this.height = height;
    this.#camera = openCamera(scene, options.camera);
    this.#drawables = new Drawables(scene, options.groups);
    this.boxed = this.#drawables.boxed;
    this.#projection = new Projection(this.#camera.pose, width, height);
    this.#buffer = new DepthBuffer(width, height);
    this.#lights = new Lights(scene);
    const { table } = this.#drawables;
    this.#rays = new RayCaster(table, this.#buffer);
    this.#shader = new Shader({ table, buffer: this.#buffer, lights: this.#lights });
    this.#surfaces = readSurfaces(scene.model);
    this.#sky = new Sky(scene.model);
    this.#clear = new Int32Array(table.count);
    this.#distances = new Float64Array(table.count);
  }

  /**
   * Draws into `out`, [height, width, 3] red, green and blue, from the top left, and returns it.
   * @throws RangeError when `out` has another length.
   */
  render(out: Uint8Array): Uint8Array {
    this.#assertLength(out);
    const clear = this.#drawOpaque(out);
    for (let n = 0; n < clear; n++) {
      const k = this.#clear[n]!;
      this.#rays.enter(k);
      this.#paintShape(k, out);
    }
    return out;
  }

  /**
   * Writes the number of the geom that each pixel shows, -1 for none, into `out`, [height, width], and
   * returns it. Sites and tendons are left out; a geom that lets light through counts unless it is
   * invisible.
   * @throws RangeError when `out` has another length.
   */
  segment(out: Int32Array): Int32Array {
    const { geoms, colours } = this.#drawables;
    const { shapes } = this.#buffer;
    if (out.length !== shapes.length) throw lengthError(shapes.length, out.length);
    this.#look();
    for (let k = 0; k < geoms.length; k++) {
      if (colours[4 * k + 3]! > 0) this.#rays.enter(k);
    }
    for (let p = 0; p < out.length; p++) {
      const k = shapes[p]!;
      out[p] = k < 0 ? -1 : geoms[k]!;
    }
    return out;
  }

  /** Returns how many shapes are left to be drawn over the picture. */
  #drawOpaque(out: Uint8Array): number {
    const { colours, table } = this.#drawables;
    this.#look();
    const { count } = this.#drawables;
    let clear = 0;
    for (let k = 0; k < count; k++) {
      const alpha = colours[4 * k + 3]!;
      // The inside of what surrounds the camera would hide everything else.
      if (alpha === 0 || table.inside[k]) continue;
      if (alpha < 1) clear = this.#insertClear(k, clear);
      else this.#rays.enter(k);
    }
    this.#sky.paint(this.#buffer, this.#camera.pose, out);
    for (let k = 0; k < count; k++) {
      if (colours[4 * k + 3] === 1 && !table.inside[k]) this.#paintShape(k, out);
    }
    return clear;
  }

  #look(): void {
    this.#camera.read();
    this.#drawables.read();
    this.#lights.read(this.#camera.pose);
    this.#projection.project(this.#drawables.table, this.#drawables.count);
    this.#buffer.clear();
  }

  /** Sorts `k` among the `count` clear shapes found so far, by the distance of its centre. */
  #insertClear(k: number, count: number): number {
    const { positions, kinds } = this.#drawables.table;
    const { position } = this.#camera.pose;
    let distance = 0;
    for (let a = 0; a < 3; a++) distance += (positions[3 * k + a]! - position[a]!) ** 2;
    if (kinds[k] === PLANE) distance = Number.POSITIVE_INFINITY;
    let at = count;
    for (; at > 0 && this.#distances[at - 1]! < distance; at--) {
      this.#clear[at] = this.#clear[at - 1]!;
      this.#distances[at] = this.#distances[at - 1]!;
    }
    this.#clear[at] = k;
    this.#distances[at] = distance;
    return count + 1;
  }

  #paintShape(k: number, out: Uint8Array): void {
    const { colours, materials } = this.#drawables;
    const material = materials[k]!;
    const paint = this.#paint;
    const { textures, tints, emission } = this.#surfaces;
    for (let a = 0; a < 3; a++) {
      const tint = material < 0 ? 1 : tints[3 * material + a]!;
      paint.colour[a] = 255 * tint * colours[4 * k + a]!;
    }
    paint.alpha = colours[4 * k + 3]!;
    paint.emission = material < 0 ? 0 : emission[material]!;
    paint.texture = material < 0 ? undefined : textures[material];
    if (this.#isBarePlane(k)) {
      paint.texture = this.#checker;
      paint.colour.fill(255);
    }
    this.#shader.paint(k, paint, out);
  }

  /** A plane that the model gave no look at all. */
  #isBarePlane(k: number): boolean {
    const { colours, materials, table } = this.#drawables;
    return (
      table.kinds[k] === PLANE &&
      materials[k] === -1 &&
      colours[4 * k] === DEFAULT_GREY &&
      colours[4 * k + 1] === DEFAULT_GREY &&
      colours[4 * k + 2] === DEFAULT_GREY
    );
  }

  #assertLength(out: Uint8Array): void {
    const length = 3 * this.width * this.height;
    if (out.length !== length) throw lengthError(length, out.length);
  }
}

function lengthError(needed: number, given: number): RangeError {
  return new RangeError(`a picture of ${given} values, not ${needed}`);
}

function assertSide(name: string, pixels: number): void {
  if (Number.isInteger(pixels) && pixels >= 1 && pixels <= MAX_SIDE) return;
  const problem = `${name} of a picture: ${pixels} is no whole number from 1 to ${MAX_SIDE}`;
  throw new RunError("CONFIG_INVALID", problem);
}
