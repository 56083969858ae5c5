/**
 * atoms: locations from `min` to `max` inclusive, as C51 has them; a bin reaches half a spacing to each
 * side. bins: `atoms` equal bins between `min` and `max`, located at their centres, as in Farebrother
 * et al. 2024's own HL-Gauss; then values within half a bin of the ends cannot be said.
 */
export type SupportLocations = "atoms" | "bins";

export interface SupportOptions {
  /** m, at least 2. */
  readonly atoms: number;
  readonly min: number;
  readonly max: number;
  readonly locations: SupportLocations;
}

/** The returns that a categorical critic can speak of: m locations, `spacing` apart. */
export interface Support {
  readonly atoms: number;
  readonly min: number;
  readonly max: number;
  /** z_1 < ... < z_m, [m]. */
  readonly locations: Float32Array;
  readonly spacing: number;
  /** e_0 < ... < e_m, [m + 1]: bin i lies between e_(i-1) and e_i and has z_i in its middle. */
  readonly edges: Float32Array;
}

/** @throws RangeError unless atoms >= 2 and min < max. */
export function makeSupport({ atoms, min, max, locations }: SupportOptions): Support {
  if (!(Number.isInteger(atoms) && atoms >= 2)) throw new RangeError(`${atoms} atoms`);
  if (!(min < max)) throw new RangeError(`a support from ${min} to ${max}`);
  const spacing = locations === "atoms" ? (max - min) / (atoms - 1) : (max - min) / atoms;
  const first = locations === "atoms" ? min : min + spacing / 2;
  return {
    atoms,
    min,
    max,
    spacing,
    locations: Float32Array.from({ length: atoms }, (_, i) => first + i * spacing),
    edges: Float32Array.from({ length: atoms + 1 }, (_, i) => first + (i - 0.5) * spacing),
  };
}
