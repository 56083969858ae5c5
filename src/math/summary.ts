/** What a set of numbers looks like, e.g. the returns of an evaluation. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  /** Population standard deviation, as Stable-Baselines3 reports it. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError when there is nothing to summarise. */
export function summarise(values: ArrayLike<number>): Summary {
  const count = values.length;
  if (count === 0) throw new RangeError("summary of nothing");
  const all = Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / count;
  const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  let min = all[0]!;
  let max = all[0]!;
  for (const value of all) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { count, mean, std: Math.sqrt(variance), min, max };
}
