type AsyncWait = (
  cell: Int32Array,
  index: number,
  value: number,
) =>
  | { readonly async: false; readonly value: "not-equal" | "timed-out" }
  | { readonly async: true; readonly value: Promise<"ok" | "timed-out"> };

/** In Node since 16, in TypeScript's library from ES2024 on. */
const { waitAsync } = Atomics as unknown as { readonly waitAsync: AsyncWait };

/** Hears the doorbell that actors ring, without blocking its thread. */
export class DoorbellListener {
  readonly #cell: Int32Array;
  #heard: number;

  constructor(doorbell: SharedArrayBuffer) {
    this.#cell = new Int32Array(doorbell);
    this.#heard = Atomics.load(this.#cell, 0);
  }

  /** Resolves when it has been rung since the last call. */
  async rung(): Promise<void> {
    const wait = waitAsync(this.#cell, 0, this.#heard);
    if (wait.async) await wait.value;
    this.#heard = Atomics.load(this.#cell, 0);
  }
}
