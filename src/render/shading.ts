import type { Lights } from "./lights.ts";
import {
  BOX,
  CAPSULE,
  CYLINDER,
  type DepthBuffer,
  ELLIPSOID,
  PLANE,
  type ShapeTable,
  STRIDE,
} from "./shapes.ts";
import type { Texture } from "./surfaces.ts";

/** The colour of one shape. */
export interface Paint {
  /** [3], 0 to 255. */
  readonly colour: Float64Array;
  /** 1: covers what is behind it. */
  alpha: number;
  /** Light given off, times the colour. */
  emission: number;
  /** On planes only. */
  texture: Texture | undefined;
}

/** What there is to paint. */
export interface ShaderParts {
  readonly table: ShapeTable;
  readonly buffer: DepthBuffer;
  /** Placed by the shader. */
  readonly lights: Lights;
}

/**
 * Paints shapes into the pixels that show them, by Lambert's law:
 *
 *     colour * (emission + ambient + sum over lights of diffuse * max(0, cos))
 */
export class Shader {
  readonly #parts: ShaderParts;
  /** Of the pixel at hand, in the shape's coordinates. */
  readonly #point = new Float64Array(3);
  readonly #normal = new Float64Array(3);
  /** [3], what falls on it, and the colour of what it falls on. */
  readonly #light = new Float64Array(3);
  readonly #colour = new Float64Array(3);
  /** [2], tiles per metre of the plane at hand. */
  readonly #tiles = new Float64Array(2);
  /** Size of a pixel at depth 1. */
  #pixel = 0;

  constructor(parts: ShaderParts) {
    this.#parts = parts;
  }

  /** @param pixels [height, width, 3] */
  paint(k: number, paint: Paint, pixels: Uint8Array): void {
    const { table, buffer, lights } = this.#parts;
    const { bounds } = table;
    const { width, shapes } = buffer;
    lights.place(table, k);
    const texture = table.kinds[k] === PLANE ? paint.texture : undefined;
    if (texture) this.#measureTiles(k, texture);
    else this.#colour.set(paint.colour);
    const [first, last] = [bounds[4 * k]!, bounds[4 * k + 1]!];
    for (let i = bounds[4 * k + 2]!; i < bounds[4 * k + 3]!; i++) {
      for (let j = first, p = i * width + first; j < last; j++, p++) {
        if (shapes[p] !== k) continue;
        const footprint = this.#findPoint(k, i, j);
        if (texture) this.#sample(texture, footprint, paint.colour);
        this.#findNormal(k);
        this.#illuminate(paint.emission);
        this.#blend(pixels, p, paint.alpha);
      }
    }
  }

  /** Returns the size on a plane of what has size 1 at depth 1, metres: the mean of along and across. */
  #findPoint(k: number, i: number, j: number): number {
    const { frames } = this.#parts.table;
    const { width, depth } = this.#parts.buffer;
    const f = k * STRIDE;
    const t = depth[i * width + j]!;
    for (let a = 0; a < 3; a++) {
      const ray = frames[f + 9 + a]! + i * frames[f + 6 + a]! + j * frames[f + 3 + a]!;
      this.#point[a] = frames[f + a]! + t * ray;
    }
    return t * Math.sqrt(t / frames[f + 2]!);
  }

  #blend(pixels: Uint8Array, p: number, alpha: number): void {
    const [light, colour] = [this.#light, this.#colour];
    for (let a = 0; a < 3; a++) {
      const shade = Math.min(255, colour[a]! * light[a]!);
      const at = 3 * p + a;
      pixels[at] = alpha === 1 ? shade : alpha * shade + (1 - alpha) * pixels[at]!;
    }
  }

  /** Writes the outward normal at the point. */
  #findNormal(k: number): void {
    const { kinds, sizes } = this.#parts.table;
    const [a, b, c] = [sizes[3 * k]!, sizes[3 * k + 1]!, sizes[3 * k + 2]!];
    switch (kinds[k]) {
      case PLANE:
        this.#setNormal(0, 0, 1);
        break;
      case CAPSULE:
        this.#capsuleNormal(a, b);
        break;
      case ELLIPSOID:
        this.#ellipsoidNormal(a, b, c);
        break;
      case CYLINDER:
        this.#cylinderNormal(a, b);
        break;
      case BOX:
        this.#boxNormal(a, b, c);
        break;
      default:
        this.#ellipsoidNormal(a, a, a);
    }
  }

  #capsuleNormal(radius: number, half: number): void {
    const [x, y, z] = [this.#point[0]!, this.#point[1]!, this.#point[2]!];
    const beyond = z - Math.min(Math.max(z, -half), half);
    this.#setNormal(x / radius, y / radius, beyond / radius);
  }

  #ellipsoidNormal(a: number, b: number, c: number): void {
    const [x, y, z] = [this.#point[0]!, this.#point[1]!, this.#point[2]!];
    const [nx, ny, nz] = [x / (a * a), y / (b * b), z / (c * c)];
    const scale = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz);
    this.#setNormal(nx * scale, ny * scale, nz * scale);
  }

  #cylinderNormal(radius: number, half: number): void {
    const [x, y, z] = [this.#point[0]!, this.#point[1]!, this.#point[2]!];
    const onSide = Math.sqrt(x * x + y * y) / radius > Math.abs(z) / half;
    if (onSide) this.#setNormal(x / radius, y / radius, 0);
    else this.#setNormal(0, 0, Math.sign(z));
  }

  #boxNormal(a: number, b: number, c: number): void {
    const [x, y, z] = [this.#point[0]! / a, this.#point[1]! / b, this.#point[2]! / c];
    const [ax, ay, az] = [Math.abs(x), Math.abs(y), Math.abs(z)];
    if (ax >= ay && ax >= az) this.#setNormal(Math.sign(x), 0, 0);
    else if (ay >= az) this.#setNormal(0, Math.sign(y), 0);
    else this.#setNormal(0, 0, Math.sign(z));
  }

  #setNormal(x: number, y: number, z: number): void {
    this.#normal[0] = x;
    this.#normal[1] = y;
    this.#normal[2] = z;
  }

  #illuminate(emission: number): void {
    const { lights } = this.#parts;
    const [light, normal, point] = [this.#light, this.#normal, this.#point];
    for (let a = 0; a < 3; a++) light[a] = emission + lights.ambient[a]!;
    for (let l = 0; l < lights.count; l++) {
      const strength = lights.strength(l, point, normal);
      if (strength <= 0) continue;
      for (let a = 0; a < 3; a++) light[a] = light[a]! + strength * lights.diffuse[3 * l + a]!;
    }
  }

  #measureTiles(k: number, texture: Texture): void {
    const { frames } = this.#parts.table;
    const f = k * STRIDE;
    this.#pixel = Math.hypot(frames[f + 6]!, frames[f + 7]!, frames[f + 8]!);
    for (let a = 0; a < 2; a++) {
      const half = this.#parts.table.sizes[3 * k + a]!;
      const unit = texture.uniform || half === 0 ? 1 : half;
      this.#tiles[a] = texture.repeat[a]! / (2 * unit);
    }
  }

  /**
   * The texture's colour at the point: its mean where a pixel covers half a tile, so that a chequered
   * floor does not flicker in the distance.
   *
   * @param footprint Size on the plane of what has size 1 at depth 1, metres.
   * @param tint [3], 0 to 255.
   */
  #sample(texture: Texture, footprint: number, tint: Float64Array): void {
    const { width, height, pixels, mean } = texture;
    const [perX, perY] = [this.#tiles[0]!, this.#tiles[1]!];
    const s = this.#point[0]! * perX - 0.5;
    const t = -this.#point[1]! * perY - 0.5;
    const column = Math.min(width - 1, Math.floor((s - Math.floor(s)) * width));
    const row = Math.min(height - 1, Math.floor((t - Math.floor(t)) * height));
    const blur = Math.min(1, Math.max(0, 2 * this.#pixel * footprint * Math.max(perX, perY) - 0.5));
    for (let a = 0; a < 3; a++) {
      const texel = pixels[3 * (row * width + column) + a]!;
      this.#colour[a] = ((texel + blur * (mean[a]! - texel)) * tint[a]!) / 255;
    }
  }
}
