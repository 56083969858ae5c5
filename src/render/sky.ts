import type { MjModel } from "@mujoco/mujoco";
import type { CameraPose } from "./camera.ts";
import type { DepthBuffer } from "./shapes.ts";
import { texturePixels } from "./surfaces.ts";

/** mjtTexture. */
const SKYBOX = 2;

/** Steps of a sky's table, from straight down to straight up. */
const SKY_STEPS = 256;

/** dm_control's sky, straight up; straight down it is black. */
const SKY_ABOVE = [102, 153, 204];

/**
 * [SKY_STEPS, 3]: the background by the sine of a ray's elevation: the model's sky box, without what
 * changes around the horizon, or a gradient where it has none.
 */
function readSky(model: MjModel): Uint8Array {
  const types: Int32Array = model.tex_type;
  const index = types.indexOf(SKYBOX);
  const box = index < 0 ? undefined : readSkyBox(model, index);
  return Uint8Array.from({ length: 3 * SKY_STEPS }, (_, at) => {
    const sine = (2 * Math.floor(at / 3)) / (SKY_STEPS - 1) - 1;
    if (!box) return SKY_ABOVE[at % 3]! * (0.5 + 0.47 * sine);
    return skyAt(box, sine, at % 3);
  });
}

interface SkyBox {
  /** Of a face. */
  readonly size: number;
  readonly pixels: Uint8Array;
}

function readSkyBox(model: MjModel, index: number): SkyBox {
  return { size: model.tex_width[index], pixels: texturePixels(model, index) };
}

/**
 * Cube faces lie above one another in the texture: four of them around the horizon of which the last
 * stands for all, with up and down as third and fourth.
 */
function skyAt(sky: SkyBox, sine: number, channel: number): number {
  const { size, pixels } = sky;
  const tangent = sine / Math.sqrt(Math.max(1 - sine * sine, 1e-12));
  const side = Math.abs(tangent) <= 1;
  const face = side ? 4 : sine > 0 ? 2 : 3;
  // On a side the row is the elevation; above and below it is the distance from the middle.
  const share = side ? (1 - tangent) / 2 : (1 + 1 / Math.abs(tangent)) / 2;
  const row = Math.min(size - 1, Math.floor(share * size));
  const column = Math.floor(size / 2);
  const present = pixels.length >= 18 * size * size;
  return pixels[3 * (((present ? face : 0) * size + row) * size + column) + channel]!;
}

/** The background. */
export class Sky {
  readonly #table: Uint8Array;

  constructor(model: MjModel) {
    this.#table = readSky(model);
  }

  /**
   * Paints the pixels that show nothing.
   * @param out [height, width, 3]
   */
  paint(buffer: DepthBuffer, pose: CameraPose, out: Uint8Array): void {
    const { width, height, shapes } = buffer;
    const table = this.#table;
    const [right, up, back] = [pose.rotation[6]!, pose.rotation[7]!, pose.rotation[8]!];
    const pixel = (2 * pose.tangent) / height;
    for (let i = 0, p = 0; i < height; i++) {
      const y = (height / 2 - 0.5 - i) * pixel;
      for (let j = 0; j < width; j++, p++) {
        if (shapes[p] !== -1) continue;
        const x = (j + 0.5 - width / 2) * pixel;
        const sine = (x * right + y * up - back) / Math.sqrt(x * x + y * y + 1);
        const at = 3 * Math.round(((sine + 1) / 2) * (SKY_STEPS - 1));
        out[3 * p] = table[at]!;
        out[3 * p + 1] = table[at + 1]!;
        out[3 * p + 2] = table[at + 2]!;
      }
    }
  }
}
