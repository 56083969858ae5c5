import type { Lights } from "./lights.ts";
import { type DepthBuffer, PLANE, type ShapeTable, STRIDE } from "./shapes.ts";
import { SurfaceRow } from "./surface-row.ts";
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
  readonly #surface: SurfaceRow;
  /** [width, 3], colours of the row at hand, 0 to 255 and more where they glare. */
  readonly #row: Float64Array;
  /** [3], what falls on the plane at hand. */
  readonly #planeLight = new Float64Array(3);
  /** [2], tiles per metre of the plane at hand. */
  readonly #tiles = new Float64Array(2);

  constructor(parts: ShaderParts) {
    this.#parts = parts;
    this.#surface = new SurfaceRow(parts.table, parts.buffer);
    this.#row = new Float64Array(3 * parts.buffer.width);
  }

  /** @param pixels [height, width, 3] */
  paint(k: number, paint: Paint, pixels: Uint8Array): void {
    const { table, lights } = this.#parts;
    lights.place(table, k);
    const texture = table.kinds[k] === PLANE ? paint.texture : undefined;
    // Parallel light falls on a plane everywhere alike: its share goes into the colour once.
    const evenly = table.kinds[k] === PLANE && lights.allParallel;
    const colour = evenly ? this.#lightPlane(paint) : paint.colour;
    if (texture) this.#measureTiles(k, texture);
    const look = texture && { texture, colour };
    const out = { pixels, alpha: paint.alpha };
    const last = table.bounds[4 * k + 3]!;
    for (let i = table.bounds[4 * k + 2]!; i < last; i++) {
      if (!this.#surface.find(k, i)) continue;
      if (look) this.#sampleRow(k, i, look);
      else this.#fillRow(k, colour);
      if (!evenly) this.#lightRow(k, i, paint.emission);
      this.#writeRow(k, i, out);
    }
  }

  #fillRow(k: number, colour: Float64Array): void {
    const { bounds } = this.#parts.table;
    const row = this.#row;
    const red = colour[0]!;
    const green = colour[1]!;
    const blue = colour[2]!;
    const last = bounds[4 * k + 1]!;
    for (let j = bounds[4 * k]!; j < last; j++) {
      row[3 * j] = red;
      row[3 * j + 1] = green;
      row[3 * j + 2] = blue;
    }
  }

  /**
   * The texture's colours: its mean where a pixel covers half a tile, so that a chequered floor does not
   * flicker in the distance.
   */
  #sampleRow(k: number, i: number, look: { texture: Texture; colour: Float64Array }): void {
    const { frames, bounds } = this.#parts.table;
    const { width, depth, shapes } = this.#parts.buffer;
    const { points } = this.#surface;
    const { texture, colour } = look;
    const { pixels: texels, mean } = texture;
    const row = this.#row;
    const perX = this.#tiles[0]!;
    const perY = this.#tiles[1]!;
    const red = colour[0]! / 255;
    const green = colour[1]! / 255;
    const blue = colour[2]! / 255;
    const meanRed = mean[0]!;
    const meanGreen = mean[1]!;
    const meanBlue = mean[2]!;
    // A pixel at depth t is t times as large, and longer by t over the height on a plane seen aslant.
    const spread = 2 * this.#pixelSize(k) * Math.max(perX, perY);
    const flatness = 1 / frames[k * STRIDE + 2]!;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * width + first; j < last; j++, p++) {
      if (shapes[p] !== k) continue;
      const s = points[3 * j]! * perX - 0.5;
      const t = -points[3 * j + 1]! * perY - 0.5;
      const column = Math.floor((s - Math.floor(s)) * texture.width);
      const line = Math.floor((t - Math.floor(t)) * texture.height);
      const at = 3 * (line * texture.width + column);
      const covered = spread * depth[p]! * Math.sqrt(depth[p]! * flatness) - 0.5;
      const blur = Math.min(1, Math.max(0, covered));
      row[3 * j] = red * (texels[at]! + blur * (meanRed - texels[at]!));
      row[3 * j + 1] = green * (texels[at + 1]! + blur * (meanGreen - texels[at + 1]!));
      row[3 * j + 2] = blue * (texels[at + 2]! + blur * (meanBlue - texels[at + 2]!));
    }
  }

  /** Multiplies the row by the light that falls on it. */
  #lightRow(k: number, i: number, emission: number): void {
    const { table, buffer, lights } = this.#parts;
    const { bounds } = table;
    const { diffuse, ambient, count } = lights;
    const row = this.#row;
    const first = bounds[4 * k]!;
    const last = bounds[4 * k + 1]!;
    for (let j = first, p = i * buffer.width + first; j < last; j++, p++) {
      if (buffer.shapes[p] !== k) continue;
      let red = emission + ambient[0]!;
      let green = emission + ambient[1]!;
      let blue = emission + ambient[2]!;
      for (let l = 0; l < count; l++) {
        const strength = Math.max(0, lights.strength(l, j, this.#surface));
        red += strength * diffuse[3 * l]!;
        green += strength * diffuse[3 * l + 1]!;
        blue += strength * diffuse[3 * l + 2]!;
      }
      row[3 * j] = row[3 * j]! * red;
      row[3 * j + 1] = row[3 * j + 1]! * green;
      row[3 * j + 2] = row[3 * j + 2]! * blue;
    }
  }

  #writeRow(k: number, i: number, out: { pixels: Uint8Array; alpha: number }): void {
    const { table, buffer } = this.#parts;
    const { pixels, alpha } = out;
    const row = this.#row;
    const behind = 1 - alpha;
    const first = table.bounds[4 * k]!;
    const last = table.bounds[4 * k + 1]!;
    for (let j = first, p = i * buffer.width + first; j < last; j++, p++) {
      if (buffer.shapes[p] !== k) continue;
      for (let at = 3 * p, from = 3 * j; from < 3 * j + 3; at++, from++) {
        const value = Math.min(255, row[from]!);
        pixels[at] = behind === 0 ? value : alpha * value + behind * pixels[at]!;
      }
    }
  }

  /** The colour of a plane under parallel light. */
  #lightPlane(paint: Paint): Float64Array {
    const { lights } = this.#parts;
    const light = this.#planeLight;
    for (let a = 0; a < 3; a++) light[a] = paint.emission + lights.ambient[a]!;
    for (let l = 0; l < lights.count; l++) {
      // The plane's normal is its z axis.
      const strength = Math.max(0, lights.sources[3 * l + 2]!);
      for (let a = 0; a < 3; a++) light[a] = light[a]! + strength * lights.diffuse[3 * l + a]!;
    }
    for (let a = 0; a < 3; a++) light[a] = light[a]! * paint.colour[a]!;
    return light;
  }

  #measureTiles(k: number, texture: Texture): void {
    for (let a = 0; a < 2; a++) {
      const half = this.#parts.table.sizes[3 * k + a]!;
      const unit = texture.uniform || half === 0 ? 1 : half;
      this.#tiles[a] = texture.repeat[a]! / (2 * unit);
    }
  }

  /** At depth 1. */
  #pixelSize(k: number): number {
    const { frames } = this.#parts.table;
    const f = k * STRIDE;
    return Math.sqrt(frames[f + 6]! ** 2 + frames[f + 7]! ** 2 + frames[f + 8]! ** 2);
  }
}
