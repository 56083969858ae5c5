import { z } from "zod";
import { RunError } from "../../errors.ts";
import type {
  BoxSpace,
  Env,
  ImageSpace,
  ResetOptions,
  ResetResult,
  StepResult,
  View,
} from "../env.ts";
import { actionRepeat } from "./action-repeat.ts";
import { Wrapper, WrapperResult, type WrapperState } from "./wrapper.ts";

const settings = z.strictObject({
  /** Pixels of a frame's height and width. */
  size: z.int().min(8).max(1024).default(84),
  /** Frames in an observation. */
  stack: z.int().min(1).max(16).default(3),
  /** Steps that each action is taken for; their rewards add up. */
  repeat: z.int().min(1).max(100).default(2),
  /** Rays along each side of a pixel, whose mean it shows: 2 as MuJoCo's own four samples, 1 for hard edges. */
  samples: z.int().min(1).max(8).default(2),
  /** The camera's name; the model's first when left out. */
  camera: z.string().optional(),
});

/** A number is the frames' size, and the rest as it is by default. */
export const pixelSettings = z.preprocess(
  (given) => (typeof given === "number" ? { size: given } : given),
  settings,
);

export type PixelSettings = z.output<typeof settings>;

/** Red, green and blue. */
const CHANNELS = 3;

/**
 * The environment as its camera sees it: each action is taken `repeat` times, then a frame is drawn, and the
 * last few frames are the observation (see `ImageSpace`). Takes ownership of `env`.
 *
 * @throws RunError CONFIG_INVALID when it has no camera, or not this one, or is seen by one already.
 */
export function pixels(env: Env, { repeat, ...view }: PixelSettings): Env {
  if (env.observationSpace.image) {
    throw new RunError(
      "CONFIG_INVALID",
      "there is a camera around it already: leave one of them out",
    );
  }
  return new Pixels(repeat === 1 ? env : actionRepeat(env, repeat), view);
}

const stateSchema = z.strictObject({
  /** Base64. */
  frames: z.string(),
});

class Pixels extends Wrapper {
  readonly #view: View;
  readonly #result = new WrapperResult();
  readonly #observation: Uint8Array;
  readonly #size: number;
  readonly #samples: number;
  /** [samples * height, samples * width, 3], as it is drawn. */
  readonly #drawn: Uint8Array;

  constructor(env: Env, { size, stack, samples, camera }: Omit<PixelSettings, "repeat">) {
    if (!env.openView) throw new RunError("CONFIG_INVALID", `${env.id} has no camera`);
    const space = imageSpace({ height: size, width: size, channels: CHANNELS, stack });
    super(env, { observationSpace: space });
    const side = size * samples;
    this.#view = env.openView({ width: side, height: side, ...(camera ? { camera } : {}) });
    this.#drawn = new Uint8Array(side * side * CHANNELS);
    this.#size = size;
    this.#samples = samples;
    this.#observation = new Uint8Array(space.size);
  }

  override reset(options?: ResetOptions): ResetResult {
    const { info } = this.env.reset(options);
    const observation = this.#observation;
    this.#show();
    const newest = observation.length - this.#frameSize;
    // The first frame stands for those before it.
    for (let at = 0; at < newest; at += this.#frameSize) observation.copyWithin(at, newest);
    return { observation, info };
  }

  override step(action: ArrayLike<number>): StepResult {
    const result = this.#result.copy(this.env.step(action));
    this.#observation.copyWithin(0, this.#frameSize);
    this.#show();
    result.observation = this.#observation;
    return result;
  }

  protected override saveState(): WrapperState {
    return { frames: Buffer.from(this.#observation).toString("base64") };
  }

  protected override loadState(state: WrapperState, { info }: ResetResult): ResetResult | null {
    const parsed = stateSchema.safeParse(state);
    const frames = Buffer.from(parsed.data?.frames ?? "", "base64");
    if (frames.length !== this.#observation.length) return null;
    this.#observation.set(frames);
    return { observation: this.#observation, info };
  }

  get #frameSize(): number {
    return this.#size * this.#size * CHANNELS;
  }

  /** Draws the newest frame: from [height, width, channels] to [channels, height, width]. */
  #show(): void {
    const size = this.#size;
    const start = this.#observation.length - this.#frameSize;
    this.#view.render(this.#drawn);
    for (let c = 0; c < CHANNELS; c++) {
      for (let y = 0; y < size; y++) this.#showRow(start + (c * size + y) * size, y, c);
    }
  }

  /** Writes a channel of row `y` to `at`: of each pixel the mean over its rays, rounded. */
  #showRow(at: number, y: number, channel: number): void {
    const observation = this.#observation;
    const drawn = this.#drawn;
    const samples = this.#samples;
    const rowBytes = CHANNELS * this.#size * samples;
    for (let x = 0; x < this.#size; x++) {
      const corner = y * samples * rowBytes + CHANNELS * x * samples + channel;
      let sum = 0;
      for (let j = 0; j < samples; j++) {
        for (let i = 0; i < samples; i++) sum += drawn[corner + j * rowBytes + i * CHANNELS] ?? 0;
      }
      observation[at + x] = Math.round(sum / (samples * samples));
    }
  }
}

function imageSpace(image: ImageSpace): BoxSpace {
  const size = image.height * image.width * image.channels * image.stack;
  return {
    kind: "box",
    size,
    low: new Float32Array(size),
    high: new Float32Array(size).fill(255),
    image,
  };
}
