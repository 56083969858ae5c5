import type { PublishedPolicy } from "../protocol.ts";

const HEADER_BYTES = 64;
const PUBLISHED = 0;
const [SEQUENCE, VERSION, TURN] = [0, 1, 2] as const;
const SLOT_FIELDS = 4;

/** A policy board as it crosses into a thread. */
export interface PolicyBoardMemory {
  readonly buffer: SharedArrayBuffer;
  readonly parameterCount: number;
  readonly observationSize: number;
}

interface Slot {
  readonly fields: Int32Array;
  readonly parameters: Float32Array;
  readonly normalizer: Float32Array;
}

/**
 * The newest policy in shared memory: one writer, any number of readers, only the latest kept.
 *
 * Two slots take turns. The writer makes a slot's sequence odd, fills it, makes it even and then counts
 * it as published; a reader that finds the sequence moved while it copied starts again.
 */
export class PolicyBoard {
  readonly memory: PolicyBoardMemory;
  readonly #published: Int32Array;
  readonly #slots: readonly [Slot, Slot];

  constructor(memory: PolicyBoardMemory) {
    this.memory = memory;
    this.#published = new Int32Array(memory.buffer, 0, 1);
    this.#slots = [slotAt(memory, 0), slotAt(memory, 1)];
  }

  static allocate(parameterCount: number, observationSize: number): PolicyBoardMemory {
    const bytes = HEADER_BYTES + 2 * slotBytes(parameterCount, observationSize);
    return { buffer: new SharedArrayBuffer(bytes), parameterCount, observationSize };
  }

  /** Times something was published. */
  get published(): number {
    return Atomics.load(this.#published, PUBLISHED);
  }

  publish(policy: PublishedPolicy): void {
    const next = this.published + 1;
    const slot = this.#slots[(next & 1) as 0 | 1];
    Atomics.add(slot.fields, SEQUENCE, 1);
    slot.fields[VERSION] = policy.version;
    slot.fields[TURN] = policy.turn;
    slot.parameters.set(policy.parameters);
    slot.normalizer.set(policy.normalizer);
    Atomics.add(slot.fields, SEQUENCE, 1);
    Atomics.store(this.#published, PUBLISHED, next);
    Atomics.notify(this.#published, PUBLISHED);
  }

  /**
   * Which publication to read: the newest, or the one before it if that already grants `turn`: who may be a
   * turn ahead of the newest policy acts with the one that was meant for it.
   */
  granting(turn: number): number {
    const newest = this.published;
    const before = this.#slots[((newest - 1) & 1) as 0 | 1];
    return newest > 1 && (before.fields[TURN] ?? 0) >= turn ? newest - 1 : newest;
  }

  /** Copies a publication, one of the last two, into `out`'s arrays; undefined before the first. */
  read(
    out: Pick<PublishedPolicy, "parameters" | "normalizer">,
    publication?: number,
  ): PublishedPolicy | undefined {
    while (this.published > 0) {
      const slot = this.#slots[((publication ?? this.published) & 1) as 0 | 1];
      const sequence = Atomics.load(slot.fields, SEQUENCE);
      if ((sequence & 1) === 1) continue;
      out.parameters.set(slot.parameters);
      out.normalizer.set(slot.normalizer);
      const version = slot.fields[VERSION] ?? 0;
      const turn = slot.fields[TURN] ?? 0;
      if (Atomics.load(slot.fields, SEQUENCE) === sequence) return { ...out, version, turn };
    }
    return undefined;
  }

  /** Returns when more than `seen` policies were published, or after `timeoutMs`. */
  wait(seen: number, timeoutMs: number): void {
    Atomics.wait(this.#published, PUBLISHED, seen, timeoutMs);
  }
}

function slotBytes(parameterCount: number, observationSize: number): number {
  return Math.ceil((4 * (SLOT_FIELDS + parameterCount + 2 * observationSize)) / 8) * 8;
}

function slotAt(memory: PolicyBoardMemory, index: number): Slot {
  const { buffer, parameterCount, observationSize } = memory;
  const start = HEADER_BYTES + index * slotBytes(parameterCount, observationSize);
  const values = start + 4 * SLOT_FIELDS;
  return {
    fields: new Int32Array(buffer, start, SLOT_FIELDS),
    parameters: new Float32Array(buffer, values, parameterCount),
    normalizer: new Float32Array(buffer, values + 4 * parameterCount, 2 * observationSize),
  };
}
