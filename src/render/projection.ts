import type { CameraPose } from "./camera.ts";
import {
  BOX,
  CAPSULE,
  CYLINDER,
  ELLIPSOID,
  PLANE,
  type ShapeTable,
  SPHERE,
  STRIDE,
} from "./shapes.ts";

/** Metres from the camera's plane below which a point has no pixel. */
const NEAR = 1e-6;

/** Writes how shapes look from a camera into their table: frames, bounds, inside. */
export class Projection {
  readonly #width: number;
  readonly #height: number;
  readonly #pose: CameraPose;
  /** Of the shape at hand, in camera coordinates: its axes as columns of [3, 3], and its position. */
  readonly #axes = new Float64Array(9);
  readonly #centre = new Float64Array(3);
  /** Pixel bounds being grown: least and greatest column, least and greatest row. */
  readonly #extent = new Float64Array(4);
  /** Size of a pixel at depth 1. */
  #pixel = 0;

  constructor(pose: CameraPose, width: number, height: number) {
    this.#pose = pose;
    this.#width = width;
    this.#height = height;
  }

  project(table: ShapeTable, count: number): void {
    this.#pixel = (2 * this.#pose.tangent) / this.#height;
    for (let k = 0; k < count; k++) {
      this.#writeFrame(table, k);
      table.inside[k] = isInside(table, k) ? 1 : 0;
      this.#writeBounds(table, k);
    }
  }

  #writeFrame(table: ShapeTable, k: number): void {
    const { position, rotation } = this.#pose;
    const { positions, rotations, frames } = table;
    const pixel = this.#pixel;
    const startX = (0.5 - this.#width / 2) * pixel;
    const startY = (this.#height / 2 - 0.5) * pixel;
    const f = k * STRIDE;
    const fromX = position[0]! - positions[3 * k]!;
    const fromY = position[1]! - positions[3 * k + 1]!;
    const fromZ = position[2]! - positions[3 * k + 2]!;
    this.#centre[0] = -(rotation[0]! * fromX + rotation[3]! * fromY + rotation[6]! * fromZ);
    this.#centre[1] = -(rotation[1]! * fromX + rotation[4]! * fromY + rotation[7]! * fromZ);
    this.#centre[2] = -(rotation[2]! * fromX + rotation[5]! * fromY + rotation[8]! * fromZ);
    for (let axis = 0; axis < 3; axis++) {
      const x = rotations[9 * k + axis]!;
      const y = rotations[9 * k + 3 + axis]!;
      const z = rotations[9 * k + 6 + axis]!;
      const right = x * rotation[0]! + y * rotation[3]! + z * rotation[6]!;
      const up = x * rotation[1]! + y * rotation[4]! + z * rotation[7]!;
      const back = x * rotation[2]! + y * rotation[5]! + z * rotation[8]!;
      this.#axes[axis] = right;
      this.#axes[3 + axis] = up;
      this.#axes[6 + axis] = back;
      frames[f + axis] = x * fromX + y * fromY + z * fromZ;
      frames[f + 3 + axis] = right * pixel;
      frames[f + 6 + axis] = -up * pixel;
      frames[f + 9 + axis] = startX * right + startY * up - back;
    }
  }

  #writeBounds(table: ShapeTable, k: number): void {
    const radius = table.sizes[3 * k]!;
    const half = table.sizes[3 * k + 1]!;
    const kind = table.kinds[k]!;
    const extent = this.#extent;
    extent[0] = extent[2] = Number.POSITIVE_INFINITY;
    extent[1] = extent[3] = Number.NEGATIVE_INFINITY;
    if (table.inside[k]) this.#growToAll();
    else if (kind === PLANE) this.#growByPlane(table, k);
    else if (kind === SPHERE) this.#growByBall(0, radius);
    else if (kind === CAPSULE) {
      this.#growByBall(half, radius);
      this.#growByBall(-half, radius);
    } else if (kind === CYLINDER) this.#growByBox(radius, radius, half);
    else this.#growByBox(radius, half, table.sizes[3 * k + 2]!);
    const { bounds } = table;
    bounds[4 * k] = Math.max(0, Math.floor(extent[0]!));
    bounds[4 * k + 1] = Math.min(this.#width, Math.ceil(extent[1]!) + 1);
    bounds[4 * k + 2] = Math.max(0, Math.floor(extent[2]!));
    bounds[4 * k + 3] = Math.min(this.#height, Math.ceil(extent[3]!) + 1);
  }

  /** Not at all from behind: planes are one-sided. */
  #growByPlane(table: ShapeTable, k: number): void {
    const halfX = table.sizes[3 * k]!;
    const halfY = table.sizes[3 * k + 1]!;
    if (table.frames[k * STRIDE + 2]! <= 0) return;
    if (halfX > 0 && halfY > 0) this.#growByBox(halfX, halfY, 0);
    else this.#growToAll();
  }

  #growToAll(): void {
    this.#extent[0] = this.#extent[2] = 0;
    this.#extent[1] = this.#width;
    this.#extent[3] = this.#height;
  }

  /** By the silhouette of a ball on the shape's z axis: the tangents through the camera. */
  #growByBall(offset: number, radius: number): void {
    const centre = this.#centre;
    const axes = this.#axes;
    const depth = -(centre[2]! + offset * axes[8]!);
    if (depth <= -radius) return;
    if (depth <= radius + NEAR) {
      this.#growToAll();
      return;
    }
    const x = centre[0]! + offset * axes[2]!;
    const y = centre[1]! + offset * axes[5]!;
    const scale = 1 / (depth * depth - radius * radius);
    const reachX = radius * Math.sqrt(x * x + 1 / scale);
    const reachY = radius * Math.sqrt(y * y + 1 / scale);
    this.#grow((x * depth - reachX) * scale, (y * depth - reachY) * scale);
    this.#grow((x * depth + reachX) * scale, (y * depth + reachY) * scale);
  }

  /** By the corners of a box around the shape's centre. */
  #growByBox(halfX: number, halfY: number, halfZ: number): void {
    const centre = this.#centre;
    const axes = this.#axes;
    let behind = 0;
    for (let corner = 0; corner < 8; corner++) {
      const dx = corner & 1 ? halfX : -halfX;
      const dy = corner & 2 ? halfY : -halfY;
      const dz = corner & 4 ? halfZ : -halfZ;
      const depth = -(centre[2]! + dx * axes[6]! + dy * axes[7]! + dz * axes[8]!);
      if (depth <= NEAR) behind++;
      else {
        const x = centre[0]! + dx * axes[0]! + dy * axes[1]! + dz * axes[2]!;
        const y = centre[1]! + dx * axes[3]! + dy * axes[4]! + dz * axes[5]!;
        this.#grow(x / depth, y / depth);
      }
    }
    if (behind > 0 && behind < 8) this.#growToAll();
  }

  /** @param x, y A point at depth 1. */
  #grow(x: number, y: number): void {
    const extent = this.#extent;
    const column = x / this.#pixel + this.#width / 2 - 0.5;
    const row = this.#height / 2 - 0.5 - y / this.#pixel;
    if (column < extent[0]!) extent[0] = column;
    if (column > extent[1]!) extent[1] = column;
    if (row < extent[2]!) extent[2] = row;
    if (row > extent[3]!) extent[3] = row;
  }
}

function isInside(table: ShapeTable, k: number): boolean {
  const { frames, sizes } = table;
  const f = k * STRIDE;
  const x = frames[f]!;
  const y = frames[f + 1]!;
  const z = frames[f + 2]!;
  const a = sizes[3 * k]!;
  const b = sizes[3 * k + 1]!;
  const c = sizes[3 * k + 2]!;
  switch (table.kinds[k]) {
    case SPHERE:
      return x * x + y * y + z * z < a * a;
    case ELLIPSOID:
      return (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 < 1;
    case CAPSULE:
      return x * x + y * y + Math.max(Math.abs(z) - b, 0) ** 2 < a * a;
    case CYLINDER:
      return x * x + y * y < a * a && Math.abs(z) < b;
    case BOX:
      return Math.abs(x) < a && Math.abs(y) < b && Math.abs(z) < c;
    default:
      return false;
  }
}
