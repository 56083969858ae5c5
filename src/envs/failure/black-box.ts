import type { Env } from "../env.ts";
import type { EnvCall, EnvFailure } from "./env-failure.ts";

/** Numbers in the header, and what they are. */
const HEADER = 8;
const [SEED, EPISODE, STEP, CALL, START_STEP, ACTIONS, ACTION_SIZE, TEXT_BYTES] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;
const [NO_CALL, IN_RESET, IN_STEP] = [0, 1, 2] as const;

const HEADER_BYTES = HEADER * Float64Array.BYTES_PER_ELEMENT;
/** Room for a state as JSON; that of a humanoid takes 6 KB. A larger one is not kept. */
const SNAPSHOT_BYTES = 65_536;
/** Actions since that state: some thousand steps of a humanoid. When they fill up, a new state is taken. */
const ACTION_VALUES = 24_576;

/**
 * What an environment was last asked for, in shared memory: the state an episode started from and the actions
 * since. It outlives the thread, so that a step that never returns, or that takes the thread down, can be
 * repeated, too.
 *
 * Order of calls: `calls("reset")`, `started`, and for each step `calls("step")`, `returned`.
 */
export class BlackBox {
  readonly memory: SharedArrayBuffer;
  readonly #header: Float64Array;
  readonly #snapshot: Buffer;
  readonly #actions: Float32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#header = new Float64Array(memory, 0, HEADER);
    this.#snapshot = Buffer.from(memory, HEADER_BYTES, SNAPSHOT_BYTES);
    this.#actions = new Float32Array(memory, HEADER_BYTES + SNAPSHOT_BYTES, ACTION_VALUES);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + SNAPSHOT_BYTES + 4 * ACTION_VALUES);
  }

  /** The environment is about to reset; `seed` as given to it. */
  resetting(seed: number | undefined): void {
    const header = this.#header;
    header[CALL] = IN_RESET;
    if (seed === undefined) return;
    header[SEED] = seed;
    header[EPISODE] = 0;
    this.#forget(0, 0);
  }

  /** The reset came back: a new episode. */
  started(env: Env): void {
    const header = this.#header;
    header[EPISODE] = (header[EPISODE] ?? 0) + 1;
    this.#startFrom(env, 0);
  }

  /** The environment goes on from a checkpoint, in the middle of an episode. */
  resumed(env: Env, where: { seed: number; episode: number; step: number }): void {
    this.#header[SEED] = where.seed;
    this.#header[EPISODE] = where.episode;
    this.#startFrom(env, where.step);
  }

  /** The environment is about to take a step. */
  stepping(env: Env, action: Float32Array): void {
    const header = this.#header;
    const size = action.length;
    if (((header[ACTIONS] ?? 0) + 1) * size > ACTION_VALUES)
      this.#startFrom(env, header[STEP] ?? 0);
    const count = header[ACTIONS] ?? 0;
    this.#actions.set(action, count * size);
    header[ACTION_SIZE] = size;
    header[ACTIONS] = count + 1;
    header[STEP] = (header[STEP] ?? 0) + 1;
    header[CALL] = IN_STEP;
  }

  /** Nothing is asked of the environment now. */
  returned(): void {
    this.#header[CALL] = NO_CALL;
  }

  /** What the environment is being asked for, if anything. */
  get during(): EnvCall | undefined {
    const call = this.#header[CALL];
    if (call === IN_STEP) return "step";
    return call === IN_RESET ? "reset" : undefined;
  }

  /** What is needed to ask the same again; from any thread. */
  read(): Omit<EnvFailure, "format" | "message" | "env" | "during"> {
    const [seed = 0, episode = 0, step = 0, , startStep = 0, count = 0, size = 0, bytes = 0] =
      this.#header;
    const text = Buffer.from(this.#snapshot.subarray(0, bytes)).toString("utf8");
    return {
      ...{ seed, episode, step },
      start: {
        step: startStep,
        snapshot: bytes > 0 ? (JSON.parse(text) as Record<string, unknown>) : null,
      },
      actions: Array.from({ length: count }, (_, i) => [
        ...this.#actions.slice(i * size, (i + 1) * size),
      ]),
    };
  }

  #startFrom(env: Env, step: number): void {
    this.#forget(step, this.#save(env));
    this.#header[CALL] = NO_CALL;
  }

  #forget(step: number, snapshotBytes: number): void {
    const header = this.#header;
    header[TEXT_BYTES] = snapshotBytes;
    header[START_STEP] = step;
    header[STEP] = step;
    header[ACTIONS] = 0;
  }

  /** Writes the environment's state. @returns Its length in bytes; 0: there is none. */
  #save(env: Env): number {
    const text = stateOf(env);
    if (text === undefined || Buffer.byteLength(text) > SNAPSHOT_BYTES) return 0;
    return this.#snapshot.write(text);
  }
}

/** A user's `snapshot` that throws is one that is not there. */
function stateOf(env: Env): string | undefined {
  try {
    return env.snapshot && JSON.stringify(env.snapshot());
  } catch {
    return undefined;
  }
}

/** The failure of the first environment that has been asked for something and has not answered. */
export function failureIn(
  blackBoxes: readonly BlackBox[],
  { message, env }: Pick<EnvFailure, "message" | "env">,
): EnvFailure | undefined {
  for (const blackBox of blackBoxes) {
    const { during } = blackBox;
    if (during) return { format: 1, message, env, during, ...blackBox.read() };
  }
  return undefined;
}
