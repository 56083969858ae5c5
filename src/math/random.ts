import { createHash } from "node:crypto";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { JumpableRandomGenerator } from "pure-rand/types/JumpableRandomGenerator";

/** Everything needed to continue a stream; plain JSON. */
export interface RandomState {
  readonly generator: readonly number[];
  /** The second number of the last Box-Muller pair, when it has not been handed out yet. */
  readonly spareNormal: number | null;
}

/**
 * One stream of random numbers: xoroshiro128+ with a checkpointable state.
 *
 * Streams are derived, never shared: `RandomStream.derive(rootSeed, "actor", slot, "env", index)`
 * depends on its path alone, so adding a consumer does not move the numbers of another.
 */
export class RandomStream {
  #generator: JumpableRandomGenerator;
  #spareNormal: number | null;

  private constructor(generator: JumpableRandomGenerator, spareNormal: number | null) {
    this.#generator = generator;
    this.#spareNormal = spareNormal;
  }

  /** The stream named by `path` under `rootSeed`; 128 bits of SHA-256 make its state. */
  static derive(rootSeed: number, ...path: readonly (string | number)[]): RandomStream {
    const digest = createHash("sha256")
      .update(JSON.stringify([rootSeed, ...path]))
      .digest();
    const words = [0, 4, 8, 12].map((offset) => digest.readInt32LE(offset));
    return new RandomStream(xoroshiro128plusFromState(words), null);
  }

  static fromState(state: RandomState): RandomStream {
    return new RandomStream(xoroshiro128plusFromState(state.generator), state.spareNormal);
  }

  state(): RandomState {
    return { generator: [...this.#generator.getState()], spareNormal: this.#spareNormal };
  }

  /** Continues from `state`, in place. */
  restore(state: RandomState): void {
    this.#generator = xoroshiro128plusFromState(state.generator);
    this.#spareNormal = state.spareNormal;
  }

  /** Uniform in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.#generator.next() >>> 5;
    const low = this.#generator.next() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  /** Uniform in [low, high). */
  uniformBetween(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Uniform integer in [0, bound). */
  integer(bound: number): number {
    return uniformInt(this.#generator, 0, bound - 1);
  }

  /** Standard normal. Source: Box and Muller 1958. */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Fills `out` with standard normals. */
  fillNormal(out: Float32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.normal();
  }
}
