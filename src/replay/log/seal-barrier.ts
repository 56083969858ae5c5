import { RunError } from "../../errors.ts";

/** What the learner's thread asks of the log. */
export interface SealRequest {
  /** Every unroll below it must be in a sealed segment. */
  readonly endIndex: number;
  /** No checkpoint that is kept needs an unroll below it. */
  readonly releasedBelow: number;
}

/** Int32 words: requests made, the last one answered, the answer, and whether none will be any more. */
const [ASKED, ANSWERED, ANSWER, CLOSED] = [0, 1, 2, 3] as const;
const WORDS = 4;
const [OK, FAILED] = [0, 1] as const;

/**
 * Lets the learner's thread wait until the gateway's thread has sealed the log: one asks and blocks, the
 * other serves without blocking. One request at a time; one that timed out may still be served.
 */
export class SealBarrier {
  readonly #words: Int32Array;
  /** [2]: end index, released below. */
  readonly #indices: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#indices = new Float64Array(memory, 4 * WORDS, 2);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * WORDS + 16);
  }

  /**
   * Learner's side: returns when the request was served.
   *
   * @throws RunError DISK_FULL when that takes longer than `timeoutMs`, which a full or failing disk is the
   *   reason for; INTERNAL when sealing failed for good.
   */
  seal(request: SealRequest, timeoutMs: number): void {
    this.#indices[0] = request.endIndex;
    this.#indices[1] = request.releasedBelow;
    const mine = (Atomics.add(this.#words, ASKED, 1) + 1) | 0;
    Atomics.notify(this.#words, ASKED);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const answered = Atomics.load(this.#words, ANSWERED);
      if (answered === mine) break;
      if (Atomics.load(this.#words, CLOSED) === 1) {
        throw new RunError("INTERNAL", "the frame log is closed");
      }
      const left = deadline - performance.now();
      if (left <= 0) {
        const seconds = timeoutMs / 1000;
        throw new RunError("DISK_FULL", `the frame log could not be sealed within ${seconds} s`);
      }
      Atomics.wait(this.#words, ANSWERED, answered, left);
    }
    if (Atomics.load(this.#words, ANSWER) !== OK) {
      throw new RunError("INTERNAL", "the frame log could not be sealed");
    }
  }

  /**
   * Gateway's side: answers requests until `signal` aborts, when waiting learners are turned away.
   *
   * @param handler Resolves when the request is served; rejects when it never can be.
   */
  async serve(
    handler: (request: SealRequest) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const close = (): void => {
      Atomics.store(this.#words, CLOSED, 1);
      Atomics.notify(this.#words, ASKED);
      Atomics.notify(this.#words, ANSWERED);
    };
    if (signal.aborted) return close();
    signal.addEventListener("abort", close, { once: true });
    while (!signal.aborted) {
      const asked = Atomics.load(this.#words, ASKED);
      if (asked === Atomics.load(this.#words, ANSWERED)) {
        await Atomics.waitAsync(this.#words, ASKED, asked).value;
        continue;
      }
      const [endIndex = 0, releasedBelow = 0] = this.#indices;
      const answer = await handler({ endIndex, releasedBelow }).then(
        () => OK,
        () => FAILED,
      );
      Atomics.store(this.#words, ANSWER, answer);
      Atomics.store(this.#words, ANSWERED, asked);
      Atomics.notify(this.#words, ANSWERED);
    }
  }
}
