import type { ActorName, ActorTable } from "../../replay/log/actor-table.ts";
import type { ActorCursor, LogRecord } from "../../replay/log/log-record.ts";
import { type Hello, RefusalReason, type Resume } from "../generated/troupe/v1/actor.ts";
import type { SessionFault } from "./hello-check.ts";
import { Sender } from "./sender.ts";

/** Incarnations and sequence numbers go through 32-bit fields. */
export const MOST_SEQUENCE = 2 ** 31 - 1;

/** Incarnations of a slot that one term of a learner without a log may give out, and terms that differ. */
const [INCARNATIONS, TERMS] = [2 ** 16, 2 ** 15];

/**
 * Where a learner without a log begins to number incarnations. It has forgotten some that are still in use:
 * given out twice, one of two actors would be taken for the other, and its frames for frames that are there.
 */
export function firstIncarnation(term: number): number {
  return 1 + ((term - 1) % TERMS) * INCARNATIONS;
}

/** An actor that was taken in. */
export interface Seat {
  readonly sender: Sender;
  readonly cursor: ActorCursor;
  /** Place in the log of what has to be on the disk before the actor may know. */
  readonly position: number | undefined;
}

export interface RosterOptions {
  readonly table: ActorTable;
  readonly maxActors: number;
  readonly isLogged: boolean;
  /** Remembers a change; returns its place in the log, if there is one. */
  readonly record: (record: LogRecord) => number;
}

/** Who is who: gives actors their slots and incarnations, and knows them when they come back. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #senders = new Map<number, Sender>();

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** The holder of a slot, if it has been here since this learner started. */
  senderAt(slot: number): Sender | undefined {
    return this.#senders.get(slot);
  }

  seat(hello: Hello, now: number): Seat | SessionFault {
    const { host, index, instance, resume } = hello;
    const name = { host, index, instance: Buffer.from(instance).toString("hex") };
    return resume ? this.#resume(name, resume, now) : this.#join(name, now);
  }

  /** The actor is done for good. */
  leave({ slot, incarnation }: Sender): void {
    this.#options.record({ kind: "leave", slot, incarnation });
  }

  #join(name: ActorName, now: number): Seat | SessionFault {
    const { table, maxActors } = this.#options;
    const cursor = table.join(name, now);
    if (cursor === undefined) {
      const message = `all ${maxActors} slots are taken (cluster.maxActors)`;
      return { reason: RefusalReason.REFUSAL_REASON_FULL, message };
    }
    return this.#seatAt(cursor, this.#options.record({ kind: "join", cursor }));
  }

  #resume(name: ActorName, resume: Resume, now: number): Seat | SessionFault {
    const { table, record, maxActors } = this.#options;
    const { slot, incarnation, firstKeptSequence: firstKept } = resume;
    const isSane =
      slot < maxActors && incarnation >= 1 && Math.max(incarnation, firstKept) <= MOST_SEQUENCE;
    if (!isSane) {
      const message = `resume has slot ${slot}, incarnation ${incarnation}, frame ${firstKept}`;
      return { reason: RefusalReason.REFUSAL_REASON_PROTOCOL, message };
    }
    const row = table.at(slot);
    const isKnown = row?.incarnation === incarnation && isSameProcess(row, name);
    if (!isKnown) {
      if (this.#isOutdated(name, resume)) return fenced(resume, row);
      // The learner goes on from before this incarnation began. If the slot is another's, who may only be
      // away and has frames in replay, the actor gets a new one, and numbers its frames anew.
      if (row !== undefined) return this.#join(name, now);
    }
    const before = isKnown ? row : { slot, incarnation, next: firstKept, refused: [] };
    const { next, refused } = before;
    const cursor: ActorCursor = { slot, incarnation, ...name, next, refused };
    const isSettled = isKnown && isNamed(row, name) && row.left !== true;
    let position = isSettled ? undefined : record({ kind: "join", cursor });
    if (firstKept > next) {
      position = record({ kind: "skip", slot, incarnation, sequence: firstKept });
    }
    table.heard(slot, now);
    return this.#seatAt(table.at(slot) ?? cursor, position);
  }

  /** Whether another process has come after this one, in its slot or under its name. */
  #isOutdated({ host, index, instance }: ActorName, { slot, incarnation }: Resume): boolean {
    const { table, isLogged } = this.#options;
    const row = table.at(slot);
    // A learner that has forgotten who was here gives the slot to anybody.
    if (isLogged && row !== undefined && row.incarnation > incarnation) return true;
    const named = table.cursors().find((other) => other.host === host && other.index === index);
    return named !== undefined && named.instance !== instance;
  }

  #seatAt(cursor: ActorCursor, position: number | undefined): Seat {
    const { slot, incarnation, next } = cursor;
    const known = this.#senders.get(slot);
    const sender =
      known?.incarnation === incarnation ? known : new Sender(cursor, this.#options.isLogged);
    sender.skippedTo(next);
    this.#senders.set(slot, sender);
    return { sender, cursor, position };
  }
}

/** Of a learner that remembers frames but no names, the number has to do. */
function isSameProcess(row: ActorCursor, name: ActorName): boolean {
  return row.host === "" || isNamed(row, name);
}

function isNamed(row: ActorCursor, { host, index, instance }: ActorName): boolean {
  return row.host === host && row.index === index && row.instance === instance;
}

function fenced({ slot, incarnation }: Resume, row: ActorCursor | undefined): SessionFault {
  const holder = row ? `incarnation ${row.incarnation} of host ${row.host}` : "nobody";
  return {
    reason: RefusalReason.REFUSAL_REASON_FENCED,
    message: `slot ${slot} belongs to ${holder}; this process was incarnation ${incarnation} and should end`,
  };
}
