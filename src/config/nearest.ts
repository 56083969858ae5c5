import { closest, distance } from "fastest-levenshtein";

/** The candidate a mistyped name most likely meant; undefined when none is near. Case does not count. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const guess = closest(
    lower,
    candidates.map((candidate) => candidate.toLowerCase()),
  );
  const tolerance = Math.max(2, Math.floor(lower.length / 3));
  if (guess === undefined || distance(lower, guess) > tolerance) return undefined;
  return candidates.find((candidate) => candidate.toLowerCase() === guess);
}

/** ` (did you mean X?)`, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const guess = nearest(name, candidates);
  return guess === undefined ? "" : ` (did you mean ${guess}?)`;
}
