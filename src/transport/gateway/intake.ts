import { RunError } from "../../errors.ts";
import type { Unroll } from "../../protocol.ts";
import type { LoggedUnroll } from "../../replay/log/log-reader.ts";
import type { LogRecord } from "../../replay/log/log-record.ts";
import { ringDoorbell } from "../in-process.ts";
import type { SharedMailbox } from "../shared-mailbox.ts";
import { Fifo } from "./fifo.ts";
import type { FrameFault, FrameInspector } from "./frame-inspector.ts";
import type { Sender } from "./sender.ts";

export interface IntakeOptions {
  readonly queue: SharedMailbox;
  readonly doorbell: SharedArrayBuffer;
  readonly inspector: FrameInspector;
  /** Whether records go to a disk, which `synced` tells of. */
  readonly isLogged: boolean;
  /** Remembers what became of a frame; returns its place in the log, if there is one. */
  readonly record: (record: LogRecord) => number;
  /** Unrolls of the log that the learner has to be given before any other. */
  readonly replay: Iterator<LoggedUnroll> | undefined;
  /** Hears that the learner has taken frames of `sender`, or the disk has. */
  readonly onMoved: (sender: Sender) => void;
}

interface Accepted {
  readonly sender: Sender;
  readonly sequence: number;
  /** Its record's place in the log. */
  readonly position: number;
}

interface Waiting extends Accepted {
  readonly payload: Uint8Array;
}

/**
 * The way of accepted frames into the log and to the learner, in one order: the learner's thread takes
 * unroll k of the log as block k of replay.
 *
 * What the learner's queue has no room for waits here, after what is left to replay of the log. Credits bound
 * how much that can be, as they grow only with what the learner takes.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #unsynced = new Fifo<Accepted>();
  /** Frames in the learner's queue; undefined for one of the log, which nobody waits for. */
  readonly #queued = new Fifo<Accepted | undefined>();
  readonly #backlog = new Fifo<Waiting>();
  #replay: Iterator<LoggedUnroll> | undefined;
  #nextReplayed: LoggedUnroll | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#replay = options.replay;
    this.#nextReplayed = this.#pull();
  }

  /** Frames that wait for the learner. */
  get waiting(): number {
    return this.#options.queue.waiting + this.#backlog.length;
  }

  /** Records that wait for the disk. */
  get unsynced(): number {
    return this.#unsynced.length;
  }

  /** Whether `pump` may have something to do. */
  get isBusy(): boolean {
    return this.#queued.length > 0 || this.#backlog.length > 0 || this.#nextReplayed !== undefined;
  }

  /** @param decoded What `payload` says. */
  accept(sender: Sender, payload: Uint8Array, decoded: Decoded): void {
    const { record, isLogged } = this.#options;
    const { slot, incarnation, next: sequence } = sender;
    const position = record({ kind: "unroll", slot, incarnation, sequence, payload });
    sender.accepted();
    const frame = { sender, sequence, position };
    if (isLogged) this.#unsynced.push(frame);
    if (
      this.#backlog.length > 0 ||
      this.#nextReplayed !== undefined ||
      !this.#offer(decoded, frame)
    ) {
      this.#backlog.push({ ...frame, payload });
    }
  }

  refuse(sender: Sender, fault: FrameFault): void {
    const { record, isLogged } = this.#options;
    const { slot, incarnation, next: sequence } = sender;
    const position = record({ kind: "refused", slot, incarnation, sequence, ...fault });
    sender.refused();
    if (isLogged) this.#unsynced.push({ sender, sequence, position });
  }

  /** The log's records below `position` are on the disk. */
  synced(position: number): void {
    for (;;) {
      const frame = this.#unsynced.peek();
      if (frame === undefined || frame.position >= position) return;
      this.#unsynced.shift();
      frame.sender.wasSynced(frame.sequence);
      this.#options.onMoved(frame.sender);
    }
  }

  /**
   * Notes what the learner has taken and fills its queue up.
   * @returns the number of frames it took.
   */
  pump(): number {
    const taken = this.#queued.length - this.#options.queue.waiting;
    for (let i = 0; i < taken; i++) {
      const frame = this.#queued.shift();
      if (frame === undefined) continue;
      frame.sender.wasTaken(frame.sequence);
      this.#options.onMoved(frame.sender);
    }
    this.#refill();
    return taken;
  }

  #refill(): void {
    for (let next = this.#nextReplayed; next !== undefined; next = this.#nextReplayed) {
      if (this.#isFull) return;
      this.#offer(this.#decode(next.payload, next.slot), undefined, next);
      this.#nextReplayed = this.#pull();
    }
    for (let next = this.#backlog.peek(); next !== undefined; next = this.#backlog.peek()) {
      if (this.#isFull) return;
      this.#offer(this.#decode(next.payload, next.sender.slot), next);
      this.#backlog.shift();
    }
  }

  get #isFull(): boolean {
    const { queue } = this.#options;
    return queue.waiting >= queue.memory.slots;
  }

  #pull(): LoggedUnroll | undefined {
    const result = this.#replay?.next();
    if (result?.done === false) return result.value;
    this.#replay = undefined;
    return undefined;
  }

  #decode(payload: Uint8Array, slot: number): Decoded {
    const decoded = this.#options.inspector.decode(payload, slot);
    if (!decoded.fault) return decoded;
    // It passed this very check when it was accepted.
    const { message } = decoded.fault;
    throw new RunError("CHECKPOINT_CORRUPT", `an unroll of the log is unusable: ${message}`);
  }

  /** Hands the learner a frame, unless its queue is full. */
  #offer(
    { unroll, endsTurn }: Decoded,
    frame: Accepted | undefined,
    logged?: LoggedUnroll,
  ): boolean {
    const { queue, doorbell } = this.#options;
    const written = queue.write({
      unroll,
      incarnation: logged?.incarnation ?? frame?.sender.incarnation ?? 0,
      sequence: logged?.sequence ?? frame?.sequence ?? 0,
      endsTurn,
      snapshot: NO_SNAPSHOT,
    });
    if (!written) return false;
    this.#queued.push(frame);
    ringDoorbell(doorbell);
    return true;
  }
}

/** What a payload says. */
type Decoded = { readonly unroll: Unroll; readonly endsTurn: boolean };

const NO_SNAPSHOT = new Uint8Array(0);
