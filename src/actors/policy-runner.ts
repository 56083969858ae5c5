import { Program } from "../compile/program.ts";
import { normalizeInto } from "../math/running-statistics.ts";

/** Buffers of one inference; rows are environments. */
export interface PolicyCall {
  /** [n, observation size], raw. Normalised in place. */
  readonly observations: Float32Array;
  /** [n, action size], standard normals. */
  readonly noise: Float32Array;
  /** [n, action size], filled with actions in [-1, 1]. */
  readonly actions: Float32Array;
}
