const [BEATS, STATE] = [0, 1] as const;
const WAITING = 0;
const STEPPING = 1;

/**
 * A sign of life in shared memory: an actor beats before each environment step, the watchdog reads it from
 * another thread even while the actor's is stuck inside a step.
 */
export class Heartbeat {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(8);
  }

  /** The actor is about to run the environment's code. */
  stepping(): void {
    Atomics.add(this.#cells, BEATS, 1);
    Atomics.store(this.#cells, STATE, STEPPING);
  }

  /** The actor waits for somebody else; silence is no fault of its environment. */
  waiting(): void {
    Atomics.add(this.#cells, BEATS, 1);
    Atomics.store(this.#cells, STATE, WAITING);
  }

  get beats(): number {
    return Atomics.load(this.#cells, BEATS);
  }

  get isStepping(): boolean {
    return Atomics.load(this.#cells, STATE) === STEPPING;
  }
}
