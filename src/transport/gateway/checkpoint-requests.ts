import { RunError } from "../../errors.ts";

type Result = { readonly name: string } | { readonly error: string };

/** A checkpoint of a large replay on a slow disk; after that nobody waits any more. */
const TIMEOUT_MS = 120_000;

/** Asks of somebody by ControlService for a checkpoint, until the main thread has answered. */
export class CheckpointRequests {
  readonly #emit: (request: number) => void;
  readonly #waiting = new Map<number, (result: Result) => void>();
  #asked = 0;

  constructor(emit: (request: number) => void) {
    this.#emit = emit;
  }

  /** @throws RunError INTERNAL saying why there is none. */
  async ask(): Promise<{ readonly name: string }> {
    const request = ++this.#asked;
    const result = await new Promise<Result>((resolve) => {
      const error = `there was no checkpoint within ${TIMEOUT_MS / 1000} s`;
      const timer = setTimeout(() => this.answer(request, { error }), TIMEOUT_MS);
      this.#waiting.set(request, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#emit(request);
    });
    if ("name" in result) return result;
    throw new RunError("INTERNAL", result.error);
  }

  answer(request: number, result: Result): void {
    this.#waiting.get(request)?.(result);
    this.#waiting.delete(request);
  }

  /** Nobody will answer any more. */
  close(error: string): void {
    for (const request of [...this.#waiting.keys()]) this.answer(request, { error });
  }
}
