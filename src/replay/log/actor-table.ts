import { type ActorCursor, type FrameId, type LogRecord, MAX_REFUSED } from "./log-record.ts";

/** Who an actor says it is: `host` and `index` name it, `instance` tells its processes apart. */
export interface ActorName {
  readonly host: string;
  readonly index: number;
  readonly instance: string;
}

export interface ActorTableOptions {
  /** Slots there are: 0 to maxActors - 1. */
  readonly maxActors: number;
  /** After so long a silence a slot may be given to another name. */
  readonly silenceMs?: number;
  /** The lowest that is given out; 1 by default. */
  readonly firstIncarnation?: number;
}

const SILENCE_MS = 600_000;

interface Row {
  cursor: ActorCursor;
  lastHeard: number;
}

/**
 * Where every actor stands: the fold of the log's records, and who gets which slot.
 *
 * Total: a record that does not follow from the table, say of an incarnation that is over, changes
 * nothing, and applying one twice is the same as applying it once. Takes memory for each slot ever given
 * out, whatever the number of frames. Times are of any one clock, in milliseconds.
 */
export class ActorTable {
  readonly #options: Required<ActorTableOptions>;
  readonly #rows = new Map<number, Row>();
  readonly #slots = new Map<string, number>();

  constructor(options: ActorTableOptions) {
    this.#options = { silenceMs: SILENCE_MS, firstIncarnation: 1, ...options };
  }

  /** A table that goes on from a snapshot; everybody in it counts as heard at `now`. */
  static restore(
    options: ActorTableOptions,
    cursors: readonly ActorCursor[],
    now: number,
  ): ActorTable {
    const table = new ActorTable(options);
    for (const cursor of cursors) table.#put(cursor, now);
    return table;
  }

  /** Follows a record. `now` is when its actor was heard; without it that stays as it was. */
  apply(record: LogRecord, now?: number): void {
    switch (record.kind) {
      case "join":
        this.#put(record.cursor, now ?? 0);
        return;
      case "leave":
        this.#change(record, { left: true });
        return;
      case "skip":
        this.#moveTo(record, record.sequence, now);
        return;
      case "unroll":
        this.#moveTo(record, record.sequence + 1, now);
        return;
      case "refused":
        this.#refuse(record);
        this.#moveTo(record, record.sequence + 1, now);
        return;
      default:
        record satisfies never;
    }
  }

  /**
   * Seats an actor: the same name and instance keep their incarnation and cursor; another instance of the
   * name takes the slot over, and a new name gets the lowest slot that nobody needs, both with the next
   * incarnation. The table has the cursor when this returns; the caller logs it as a "join" record.
   *
   * @returns Its cursor, or undefined when every slot is taken.
   */
  join(name: ActorName, now: number): ActorCursor | undefined {
    const { host, index, instance } = name;
    const slot = this.#slots.get(nameKey(name)) ?? this.#freeSlot(now);
    if (slot === undefined) return undefined;
    const before = this.#rows.get(slot)?.cursor;
    const { firstIncarnation } = this.#options;
    const incarnation = Math.max((before?.incarnation ?? 0) + 1, firstIncarnation);
    const stays =
      before !== undefined && nameKey(before) === nameKey(name) && before.instance === instance;
    const cursor: ActorCursor = stays
      ? withoutLeft(before)
      : { slot, incarnation, host, index, instance, next: 0, refused: [] };
    this.#put(cursor, now);
    return cursor;
  }

  /** The actor said something: its slot is in use. */
  heard(slot: number, now: number): void {
    const row = this.#rows.get(slot);
    if (row) row.lastHeard = now;
  }

  /** The cursor of a slot as it stands; never changed, only replaced by another. */
  at(slot: number): ActorCursor | undefined {
    return this.#rows.get(slot)?.cursor;
  }

  /** Every slot ever given out, in order. */
  cursors(): ActorCursor[] {
    return [...this.#rows.values()].map(({ cursor }) => cursor).sort((a, b) => a.slot - b.slot);
  }

  #freeSlot(now: number): number | undefined {
    for (let slot = 0; slot < this.#options.maxActors; slot++) {
      const row = this.#rows.get(slot);
      if (row === undefined || row.cursor.left === true) return slot;
      if (now - row.lastHeard >= this.#options.silenceMs) return slot;
    }
    return undefined;
  }

  #put(cursor: ActorCursor, now: number): void {
    const row = this.#rows.get(cursor.slot);
    if (row === undefined) {
      this.#rows.set(cursor.slot, { cursor, lastHeard: now });
    } else {
      if (cursor.incarnation < row.cursor.incarnation) return;
      const name = nameKey(row.cursor);
      if (this.#slots.get(name) === cursor.slot) this.#slots.delete(name);
      row.cursor = newest(cursor, row.cursor);
      row.lastHeard = Math.max(row.lastHeard, now);
    }
    this.#slots.set(nameKey(cursor), cursor.slot);
  }

  #refuse(record: Extract<LogRecord, { kind: "refused" }>): void {
    const { sequence, reason, message } = record;
    const cursor = this.#cursorOf(record);
    if (cursor === undefined || sequence < cursor.next) return;
    const refused = [...cursor.refused, { sequence, reason, message }].slice(-MAX_REFUSED);
    this.#change(record, { refused });
  }

  #moveTo(id: FrameId, sequence: number, now: number | undefined): void {
    const cursor = this.#cursorOf(id);
    if (cursor === undefined) return;
    if (sequence > cursor.next) this.#change(id, { next: sequence });
    if (now !== undefined) this.heard(id.slot, now);
  }

  #change(id: Omit<FrameId, "sequence">, change: Partial<ActorCursor>): void {
    const row = this.#rows.get(id.slot);
    if (row && row.cursor.incarnation === id.incarnation) row.cursor = { ...row.cursor, ...change };
  }

  #cursorOf({ slot, incarnation }: FrameId): ActorCursor | undefined {
    const cursor = this.#rows.get(slot)?.cursor;
    return cursor?.incarnation === incarnation ? cursor : undefined;
  }
}

/** A cursor that is joined with; what is known of the same incarnation does not go back. */
function newest(joined: ActorCursor, known: ActorCursor): ActorCursor {
  if (joined.incarnation !== known.incarnation || joined.next >= known.next) return joined;
  return { ...joined, next: known.next, refused: known.refused };
}

function withoutLeft(cursor: ActorCursor): ActorCursor {
  const { left: _, ...rest } = cursor;
  return rest;
}

function nameKey({ host, index }: Omit<ActorName, "instance">): string {
  return `${index} ${host}`;
}
