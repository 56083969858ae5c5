import { vi } from "vitest";

/** Resolves when `look` does not throw any more; bounded by what a test may take on a busy machine. */
export function soon<T>(look: () => T): Promise<T> {
  return vi.waitFor(look, { timeout: 20_000, interval: 5 });
}
