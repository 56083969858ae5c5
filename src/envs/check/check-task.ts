import type { CheckReport, Finding } from "./finding.ts";
import type { CallPlace } from "./probe.ts";

/** What the examining thread is started with. */
export interface CheckTask {
  readonly env: { readonly id: string; readonly options: Readonly<Record<string, unknown>> };
  readonly name: string;
  readonly steps: number;
  readonly seconds: number;
  /** A `CallBoard`'s. */
  readonly board: SharedArrayBuffer;
}

export type CheckEvent =
  | { readonly type: "finding"; readonly finding: Finding }
  | { readonly type: "report"; readonly report: CheckReport };

const CALLS = ["make", "reset", "step"] as const;

/** The call under way, to be read by another thread while this one is stuck in it. */
export class CallBoard {
  /** [calls so far, which, seed, step] */
  readonly #cells: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Float64Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * Float64Array.BYTES_PER_ELEMENT);
  }

  write({ call, seed, step }: CallPlace): void {
    this.#cells.set([this.calls + 1, CALLS.indexOf(call), seed, step]);
  }

  get calls(): number {
    return this.#cells[0] ?? 0;
  }

  get place(): CallPlace {
    const [, call = 0, seed = 0, step = 0] = this.#cells;
    return { call: CALLS[call] ?? "make", seed, step };
  }
}
