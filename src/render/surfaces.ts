import type { MjModel } from "@mujoco/mujoco";

/** mjtTexture. */
const TEXTURE_2D = 0;
/** mjtTextureRole: the plain colour; a material has a texture for each of ten roles. */
const ROLE_RGB = 1;
const ROLES = 10;

/** A picture that tiles a plane. */
export interface Texture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly pixels: Uint8Array;
  /** [3], its mean. */
  readonly mean: Float64Array;
  /** [2], tiles along x and y in two units. */
  readonly repeat: Float64Array;
  /** Whether that unit is the metre; else it is the plane's half size. */
  readonly uniform: boolean;
}

/** What the model's materials add to colours. */
export interface Surfaces {
  /** By material; undefined where it has no flat texture. */
  readonly textures: readonly (Texture | undefined)[];
  /** [nmat, 3], in [0, 1]: what a texture that wraps around does to a colour on average. */
  readonly tints: Float64Array;
  /** [nmat], light given off, times the colour. */
  readonly emission: Float64Array;
}

export function readSurfaces(model: MjModel): Surfaces {
  const count: number = model.nmat;
  const tints = new Float64Array(3 * count).fill(1);
  const textures: (Texture | undefined)[] = [];
  for (let material = 0; material < count; material++) {
    const index: number = model.mat_texid[ROLES * material + ROLE_RGB];
    const flat = index >= 0 && model.tex_type[index] === TEXTURE_2D;
    textures.push(flat ? readTexture(model, material, index) : undefined);
    if (index < 0 || flat) continue;
    const mean = meanColour(texturePixels(model, index));
    for (let a = 0; a < 3; a++) tints[3 * material + a] = mean[a]! / 255;
  }
  return { textures, tints, emission: Float64Array.from(model.mat_emission) };
}

/** Squares of a metre, as under dm_control's tasks, for planes that have no look of their own. */
export function defaultChecker(): Texture {
  const [dark, light] = [
    [26, 51, 77],
    [51, 77, 102],
  ];
  const pixels = Uint8Array.from([dark, light, light, dark].flat() as number[]);
  const repeat = Float64Array.of(1, 1);
  return { width: 2, height: 2, pixels, mean: meanColour(pixels), repeat, uniform: true };
}

function readTexture(model: MjModel, material: number, index: number): Texture {
  const pixels = texturePixels(model, index);
  // The binding's getter for all of these flags at once throws.
  const handle = model.mat(material);
  const { texuniform } = handle;
  handle.delete();
  return {
    width: model.tex_width[index],
    height: model.tex_height[index],
    pixels,
    mean: meanColour(pixels),
    repeat: Float64Array.from(model.mat_texrepeat.subarray(2 * material, 2 * material + 2)),
    uniform: Boolean(texuniform),
  };
}

/** A copy of a texture, [height, width, 3], of its first three channels. */
export function texturePixels(model: MjModel, index: number): Uint8Array {
  const start: number = model.tex_adr[index];
  const channels: number = model.tex_nchannel[index];
  const count: number = model.tex_width[index] * model.tex_height[index];
  const data: Uint8Array = model.tex_data;
  return Uint8Array.from({ length: 3 * count }, (_, at) => {
    const channel = Math.min(at % 3, channels - 1);
    return data[start + Math.floor(at / 3) * channels + channel]!;
  });
}

function meanColour(pixels: Uint8Array): Float64Array {
  const sums = new Float64Array(3);
  for (let at = 0; at < pixels.length; at++) sums[at % 3] = sums[at % 3]! + pixels[at]!;
  return sums.map((sum) => (3 * sum) / Math.max(pixels.length, 1));
}
