const [BEATS, STATE] = [0, 1] as const;
const WAITING = 0;
const STEPPING = 1;

/**
 * A sign of life in shared memory: a thread beats before each environment step, the watchdog reads it from
 * another thread even while this one is stuck inside a step.
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

  /** The environment's code is about to run. */
  stepping(): void {
    Atomics.add(this.#cells, BEATS, 1);
    Atomics.store(this.#cells, STATE, STEPPING);
  }

  /** The thread waits for somebody else, or is done; silence is no fault of its environment. */
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

/** Watches a heartbeat from another thread. */
export class Watchdog {
  readonly #heartbeat: Heartbeat;
  readonly #timeoutMs: number;
  #beats = -1;
  #since = 0;
  #heardAt = 0;

  constructor(heartbeat: Heartbeat, timeoutMs: number) {
    this.#heartbeat = heartbeat;
    this.#timeoutMs = timeoutMs;
  }

  /** When `isHung` last found a new beat, in its caller's time. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Whether the environment's code has been running for longer than it may; to be asked again and again. */
  isHung(now: number): boolean {
    const { beats, isStepping } = this.#heartbeat;
    const isNew = beats !== this.#beats;
    if (isNew || !isStepping) this.#since = now;
    if (isNew) this.#heardAt = now;
    this.#beats = beats;
    return now - this.#since > this.#timeoutMs;
  }
}

/** What a hung environment is ended with. */
export function hungMessage(envId: string, timeoutMs: number): string {
  return `${envId} has not returned from a step or reset for ${timeoutMs / 1000} s`;
}
