import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Parses a whole number of at least `least`; 1e6 and 1_000_000 are welcome. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text.replaceAll("_", ""));
    if (Number.isSafeInteger(value) && value >= least && text.trim() !== "") return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}

/** Parses a finite number. */
export function finiteNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && text.trim() !== "") return value;
  throw new InvalidArgumentError("It must be a number.");
}
