import type { MjData, MjModel } from "@mujoco/mujoco";
import { closest } from "fastest-levenshtein";
import { RunError } from "../errors.ts";

/** A camera that no model defines: it looks at a point, or at a body's subtree wherever that goes. */
export interface FreeCamera {
  /** Metres; the model's centre when left out. */
  readonly lookAt?: readonly [number, number, number];
  /** Name of a body whose centre of mass, its descendants included, is looked at. */
  readonly trackBody?: string;
  /** Metres from that point; 1.5 times the model's extent when left out. */
  readonly distance?: number;
  /** Degrees about the vertical; 90, the model's default, looks along y. */
  readonly azimuth?: number;
  /** Degrees; negative looks down. */
  readonly elevation?: number;
  /** Vertical field of view, degrees. */
  readonly fovy?: number;
}

/** A camera by its name in the model, "free" for the model's default view, or one of one's own. */
export type CameraChoice = string | FreeCamera;

/** Where a picture is taken from. */
export interface CameraPose {
  /** [3], metres. */
  readonly position: Float64Array;
  /** [3, 3] row-major; its columns are right, up and backwards in world coordinates. */
  readonly rotation: Float64Array;
  /** Tangent of half the vertical field of view. */
  tangent: number;
}

/** Follows a camera: `read` brings the pose up to date with the data. */
export interface Camera {
  readonly pose: CameraPose;
  read(): void;
}

/** The model with one state of it, e.g. a Simulation. */
export interface Scene {
  readonly model: MjModel;
  readonly data: MjData;
}

/** Names of the model's cameras, in its order; unnamed ones are "camera 0", by number. */
export function cameraNames(model: MjModel): string[] {
  const addresses: Int32Array = model.name_camadr;
  return Array.from(addresses, (address, i) => nameAt(model, address) || `camera ${i}`);
}

/**
 * @param choice The model's first camera, or its free view when it has none, when left out.
 * @throws RunError CONFIG_INVALID naming the cameras there are.
 */
export function openCamera(scene: Scene, choice: CameraChoice | undefined): Camera {
  const names = cameraNames(scene.model);
  if (typeof choice === "object") return new OrbitingCamera(scene, choice);
  const name = choice ?? names[0] ?? "free";
  const index = names.indexOf(name);
  if (index >= 0) return new ModelCamera(scene, index);
  if (name === "free") return new OrbitingCamera(scene, {});
  const known = [...names, "free"];
  const nearest = closest(name, known);
  throw new RunError(
    "CONFIG_INVALID",
    `camera: there is no camera "${name}"; did you mean "${nearest}"? There are: ${known.join(", ")}`,
  );
}

/** One of the model's own; the engine keeps fixed, tracking and targeting ones where they belong. */
class ModelCamera implements Camera {
  readonly pose: CameraPose;
  readonly #scene: Scene;
  readonly #index: number;
  #positions = new Float64Array(0);
  #rotations = new Float64Array(0);

  constructor(scene: Scene, index: number) {
    this.#scene = scene;
    this.#index = index;
    const fovy: number = scene.model.cam_fovy[index];
    this.pose = newPose(fovy);
  }

  read(): void {
    if (this.#positions.length === 0) {
      this.#positions = this.#scene.data.cam_xpos;
      this.#rotations = this.#scene.data.cam_xmat;
    }
    const i = this.#index;
    for (let a = 0; a < 3; a++) this.pose.position[a] = this.#positions[3 * i + a]!;
    for (let a = 0; a < 9; a++) this.pose.rotation[a] = this.#rotations[9 * i + a]!;
  }
}

/** MuJoCo's free camera, and its tracking one. */
class OrbitingCamera implements Camera {
  readonly pose: CameraPose;
  readonly #scene: Scene;
  readonly #lookAt: Float64Array;
  readonly #distance: number;
  /** Index of the body looked at, -1: none. */
  readonly #body: number;
  #centres = new Float64Array(0);

  constructor(scene: Scene, options: FreeCamera) {
    const { vis, stat } = scene.model;
    const view = vis.global;
    assertPossible(options);
    this.#scene = scene;
    this.#body = options.trackBody === undefined ? -1 : bodyIndex(scene.model, options.trackBody);
    this.#lookAt = Float64Array.from(options.lookAt ?? stat.center);
    this.#distance = options.distance ?? 1.5 * stat.extent;
    this.pose = newPose(options.fovy ?? view.fovy);
    this.#turn(options.azimuth ?? view.azimuth, options.elevation ?? view.elevation);
  }

  read(): void {
    const { position, rotation } = this.pose;
    if (this.#body >= 0) {
      if (this.#centres.length === 0) this.#centres = this.#scene.data.subtree_com;
      for (let a = 0; a < 3; a++) this.#lookAt[a] = this.#centres[3 * this.#body + a]!;
    }
    for (let a = 0; a < 3; a++) {
      position[a] = this.#lookAt[a]! + this.#distance * rotation[3 * a + 2]!;
    }
  }

  #turn(azimuthDegrees: number, elevationDegrees: number): void {
    const azimuth = (azimuthDegrees * Math.PI) / 180;
    const elevation = (elevationDegrees * Math.PI) / 180;
    const [ca, sa] = [Math.cos(azimuth), Math.sin(azimuth)];
    const [ce, se] = [Math.cos(elevation), Math.sin(elevation)];
    this.pose.rotation.set([sa, -se * ca, -ce * ca, -ca, -se * sa, -ce * sa, 0, ce, -se]);
  }
}

/** What each setting of a camera has to be; the rest is the model's. */
const SETTINGS: Readonly<Record<keyof FreeCamera, readonly [string, (given: unknown) => boolean]>> =
  {
    lookAt: [
      "three numbers in metres",
      (given) => {
        const numbers = Array.from(Object(given) as ArrayLike<unknown>);
        return numbers.length === 3 && numbers.every(Number.isFinite);
      },
    ],
    trackBody: ["the name of a body", (given) => typeof given === "string"],
    distance: [
      "a number of metres above 0",
      (given) => Number.isFinite(given) && Number(given) > 0,
    ],
    azimuth: ["a number of degrees", Number.isFinite],
    elevation: ["a number of degrees", Number.isFinite],
    fovy: [
      "a number of degrees between 0 and 180",
      (given) => Number.isFinite(given) && Number(given) > 0 && Number(given) < 180,
    ],
  };

/** @throws RunError CONFIG_INVALID naming the setting. */
function assertPossible(options: FreeCamera): void {
  for (const [name, given] of Object.entries(options)) {
    const [wanted, isFine] = SETTINGS[name as keyof FreeCamera] ?? [];
    if (given === undefined || isFine?.(given)) continue;
    const problem =
      wanted === undefined
        ? `there is no setting "${name}"; there are ${Object.keys(SETTINGS).join(", ")}`
        : `${name} must be ${wanted}, not ${JSON.stringify(given)}`;
    throw new RunError("CONFIG_INVALID", `camera: ${problem}`);
  }
}

function newPose(fovyDegrees: number): CameraPose {
  return {
    position: new Float64Array(3),
    rotation: new Float64Array(9),
    tangent: Math.tan((fovyDegrees * Math.PI) / 360),
  };
}

function bodyIndex(model: MjModel, name: string): number {
  const addresses: Int32Array = model.name_bodyadr;
  const names = Array.from(addresses, (address) => nameAt(model, address));
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const known = names.filter((known) => known !== "").join(", ");
  throw new RunError("CONFIG_INVALID", `camera: there is no body "${name}"; there are: ${known}`);
}

/** The binding returns garbage for elements without a name; the table of names does not. */
export function nameAt(model: MjModel, address: number): string {
  const bytes: Int8Array = model.names;
  return Buffer.from(bytes.subarray(address, bytes.indexOf(0, address))).toString("utf8");
}
