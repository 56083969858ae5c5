import type { Env, ImageSpace, ResetResult, StepResult } from "../../src/envs/env.ts";

const IMAGE: ImageSpace = { height: 1, width: 1, channels: 2, stack: 3 };
const SIZE = 6;

/** A camera that shows the number of the frame since the start, and one more; it stacks in the plain way. */
export class CountingCamera implements Env {
  readonly id = "CountingCamera";
  readonly observationSpace = {
    kind: "box",
    size: SIZE,
    low: new Float32Array(SIZE),
    high: new Float32Array(SIZE).fill(255),
    image: IMAGE,
  } as const;
  readonly actionSpace = {
    kind: "box",
    size: 1,
    low: Float32Array.of(-1),
    high: Float32Array.of(1),
  } as const;
  readonly maxEpisodeSteps = Number.POSITIVE_INFINITY;
  /** What was shown before and after each step. */
  readonly seen: { readonly before: readonly number[]; readonly after: readonly number[] }[] = [];
  readonly #episodes: readonly number[];
  #shown = 0;
  #episode = -1;
  #step = 0;
  #frames: number[][] = [];

  /** @param episodes Steps of each episode. */
  constructor(episodes: readonly number[]) {
    this.#episodes = episodes;
  }

  reset(): ResetResult {
    this.#episode += 1;
    this.#step = 0;
    const first = this.#show();
    this.#frames = [first, first, first];
    return { observation: this.#stack(), info: {} };
  }

  step(): StepResult {
    const before = this.#frames.flat();
    this.#step += 1;
    this.#frames = [...this.#frames.slice(1), this.#show()];
    this.seen.push({ before, after: this.#frames.flat() });
    const ends = this.#step === this.#episodes[this.#episode];
    const terminated = ends && this.#episode % 2 === 0;
    return {
      observation: this.#stack(),
      reward: this.seen.length,
      terminated,
      truncated: ends && !terminated,
      info: {},
    };
  }

  close(): void {}

  #show(): number[] {
    const frame = [this.#shown % 256, (this.#shown + 1) % 256];
    this.#shown += 1;
    return frame;
  }

  #stack(): Uint8Array {
    return Uint8Array.from(this.#frames.flat());
  }
}
