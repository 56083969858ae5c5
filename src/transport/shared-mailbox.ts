import {
  type ExtraColumn,
  extraLength,
  type Observations,
  observationRows,
  rowBytes,
  type Unroll,
  type UnrollFrame,
  type UnrollShape,
} from "../protocol.ts";

const HEADER_BYTES = 64;
const WRITTEN = 0;
const TAKEN = 1;

/** Int32 fields at the start of each slot. */
const SLOT_FIELDS = 8;
const [ACTOR, ENV, LENGTH, SEQUENCE, ENDS_TURN, SNAPSHOT_BYTES, INCARNATION] = [
  0, 1, 2, 3, 4, 5, 6,
] as const;

/** A mailbox as it crosses into a thread. */
export interface MailboxMemory {
  readonly buffer: SharedArrayBuffer;
  readonly shape: UnrollShape;
  readonly slots: number;
  readonly snapshotBytes: number;
}

/** Columns of one slot, as views into the shared memory. */
interface Slot {
  readonly fields: Int32Array;
  readonly observations: Observations;
  readonly actions: Float32Array;
  readonly rewards: Float32Array;
  readonly policyVersions: Int32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly extras: Readonly<Record<string, Float32Array>>;
  readonly snapshot: Uint8Array;
}

/**
 * A bounded queue of unrolls in shared memory, one writer and one reader.
 *
 *     header: frames written | frames taken      slot k % slots: fields | columns | snapshot
 *
 * The writer owns slots from `written` on, the reader those in [taken, written); the two counters hand a
 * slot over and wrap at 2^32. Nothing is allocated after construction.
 */
export class SharedMailbox {
  readonly memory: MailboxMemory;
  readonly #counters: Int32Array;
  readonly #slots: Slot[] = [];

  constructor(memory: MailboxMemory) {
    this.memory = memory;
    this.#counters = new Int32Array(memory.buffer, 0, 2);
    for (let i = 0; i < memory.slots; i++) this.#slots.push(slotAt(memory, i));
  }

  /** @param snapshotBytes Room in each frame for the actor's state; 0 outside deterministic mode. */
  static allocate(shape: UnrollShape, slots: number, snapshotBytes: number): MailboxMemory {
    const bytes = HEADER_BYTES + slots * slotBytes(shape, snapshotBytes);
    return { buffer: new SharedArrayBuffer(bytes), shape, slots, snapshotBytes };
  }

  /** Frames written and not yet taken. */
  get waiting(): number {
    const written = Atomics.load(this.#counters, WRITTEN);
    return (written - Atomics.load(this.#counters, TAKEN)) | 0;
  }

  /** Copies the frame in, or returns false when every slot is in use. */
  write(frame: UnrollFrame): boolean {
    if (this.waiting >= this.memory.slots) return false;
    const written = Atomics.load(this.#counters, WRITTEN);
    fill(this.#slot(written), frame);
    Atomics.store(this.#counters, WRITTEN, (written + 1) | 0);
    return true;
  }

  /** The oldest frame; its arrays view the slot, valid until `release`. */
  peek(): UnrollFrame | undefined {
    if (this.waiting <= 0) return undefined;
    return frameIn(this.#slot(Atomics.load(this.#counters, TAKEN)), this.memory.shape);
  }

  /** Gives the oldest frame's slot back to the writer. */
  release(): void {
    Atomics.add(this.#counters, TAKEN, 1);
    Atomics.notify(this.#counters, TAKEN);
  }

  /** Writer's side: returns when a slot may be free, or after `timeoutMs`. */
  waitForRoom(timeoutMs: number): void {
    const taken = Atomics.load(this.#counters, TAKEN);
    if (this.waiting < this.memory.slots) return;
    Atomics.wait(this.#counters, TAKEN, taken, timeoutMs);
  }

  #slot(count: number): Slot {
    const slot = this.#slots[(count >>> 0) % this.memory.slots];
    if (!slot) throw new RangeError(`slot ${count}`);
    return slot;
  }
}

function slotBytes(shape: UnrollShape, snapshotBytes: number): number {
  const { actionSize, unrollLength, extras = [] } = shape;
  const extraFloats = extras.reduce((sum, column) => sum + extraLength(column, unrollLength), 0);
  const numbers = 4 * (SLOT_FIELDS + unrollLength * (actionSize + 2) + extraFloats);
  const rows = observationRows(shape, unrollLength) * rowBytes(shape);
  return Math.ceil((numbers + rows + 2 * unrollLength + snapshotBytes) / 8) * 8;
}

function slotAt(memory: MailboxMemory, index: number): Slot {
  const { buffer, shape, snapshotBytes } = memory;
  const { actionSize, unrollLength, extras = [], frameStack } = shape;
  let offset = HEADER_BYTES + index * slotBytes(shape, snapshotBytes);
  const take = (bytes: number): number => {
    const start = offset;
    offset += bytes;
    return start;
  };
  const floats = (length: number) => new Float32Array(buffer, take(4 * length), length);
  const words = (length: number) => new Int32Array(buffer, take(4 * length), length);
  const octets = (length: number) => new Uint8Array(buffer, take(length), length);
  const rows = observationRows(shape, unrollLength) * shape.observationSize;
  // Bytes come last: behind them numbers would not be aligned.
  const numbers = {
    fields: words(SLOT_FIELDS),
    actions: floats(unrollLength * actionSize),
    rewards: floats(unrollLength),
    policyVersions: words(unrollLength),
    extras: Object.fromEntries(
      extras.map((column) => [column.name, floats(extraLength(column, unrollLength))]),
    ),
  };
  return {
    ...numbers,
    observations: frameStack === undefined ? floats(rows) : octets(rows),
    terminated: octets(unrollLength),
    truncated: octets(unrollLength),
    snapshot: octets(snapshotBytes),
  };
}

function fill(slot: Slot, frame: UnrollFrame): void {
  const { unroll, snapshot } = frame;
  if (snapshot.length > slot.snapshot.length) {
    throw new RangeError(`snapshot of ${snapshot.length} bytes, room for ${slot.snapshot.length}`);
  }
  const { fields } = slot;
  fields[ACTOR] = unroll.actor;
  fields[ENV] = unroll.env;
  fields[LENGTH] = unroll.length;
  fields[INCARNATION] = frame.incarnation;
  fields[SEQUENCE] = frame.sequence;
  fields[ENDS_TURN] = frame.endsTurn ? 1 : 0;
  fields[SNAPSHOT_BYTES] = snapshot.length;
  slot.observations.set(unroll.observations);
  slot.actions.set(unroll.actions);
  slot.rewards.set(unroll.rewards);
  slot.policyVersions.set(unroll.policyVersions);
  for (const [name, column] of Object.entries(slot.extras)) {
    column.set(unroll.extras?.[name] ?? []);
  }
  slot.terminated.set(unroll.terminated);
  slot.truncated.set(unroll.truncated);
  slot.snapshot.set(snapshot);
}

function frameIn(slot: Slot, shape: UnrollShape): UnrollFrame {
  const field = (index: number): number => slot.fields[index] ?? 0;
  const length = field(LENGTH);
  const unroll: Unroll = {
    actor: field(ACTOR),
    env: field(ENV),
    length,
    observations: slot.observations.subarray(
      0,
      observationRows(shape, length) * shape.observationSize,
    ),
    actions: slot.actions.subarray(0, length * shape.actionSize),
    rewards: slot.rewards.subarray(0, length),
    policyVersions: slot.policyVersions.subarray(0, length),
    terminated: slot.terminated.subarray(0, length),
    truncated: slot.truncated.subarray(0, length),
    ...(shape.extras ? { extras: extrasIn(slot, shape.extras, length) } : {}),
  };
  return {
    unroll,
    incarnation: field(INCARNATION),
    sequence: field(SEQUENCE),
    endsTurn: field(ENDS_TURN) === 1,
    snapshot: slot.snapshot.subarray(0, field(SNAPSHOT_BYTES)),
  };
}

function extrasIn(
  slot: Slot,
  columns: readonly ExtraColumn[],
  length: number,
): Record<string, Float32Array> {
  return Object.fromEntries(
    columns.map((column) => [
      column.name,
      (slot.extras[column.name] ?? new Float32Array()).subarray(0, extraLength(column, length)),
    ]),
  );
}
