/** A wish to have something end, in shared memory: what of an AbortSignal a busy thread can see. */
export class StopFlag {
  readonly memory: SharedArrayBuffer;
  readonly #cell: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#cell = new Int32Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  }

  raise(): void {
    Atomics.store(this.#cell, 0, 1);
  }

  get aborted(): boolean {
    return Atomics.load(this.#cell, 0) === 1;
  }

  /** @throws DOMException AbortError once it is raised. */
  throwIfAborted(): void {
    if (this.aborted) throw new DOMException("it was given up", "AbortError");
  }
}
