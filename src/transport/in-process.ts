import {
  type ActorLink,
  type LearnerLink,
  normalisedSize,
  type PublishedPolicy,
  type UnrollFrame,
  type UnrollShape,
} from "../protocol.ts";
import { PolicyBoard, type PolicyBoardMemory } from "./policy-board.ts";
import { type MailboxMemory, SharedMailbox } from "./shared-mailbox.ts";

/** All the shared memory between the learner and the actors of one process. */
export interface InProcessMemory {
  readonly mailboxes: readonly MailboxMemory[];
  readonly board: PolicyBoardMemory;
  /** Rung by whoever wants the learner to look: actors with frames, the main thread with a request. */
  readonly doorbell: SharedArrayBuffer;
}

export interface InProcessOptions {
  readonly actors: number;
  readonly shape: UnrollShape;
  readonly parameterCount: number;
  /** Frames one actor may have waiting. */
  readonly slotsPerActor: number;
  /** Room for an actor's state in each frame; 0 outside deterministic mode. */
  readonly snapshotBytes: number;
}

export function allocateInProcess(options: InProcessOptions): InProcessMemory {
  const { shape, slotsPerActor, snapshotBytes } = options;
  return {
    mailboxes: Array.from({ length: options.actors }, () =>
      SharedMailbox.allocate(shape, slotsPerActor, snapshotBytes),
    ),
    board: PolicyBoard.allocate(options.parameterCount, normalisedSize(shape)),
    doorbell: new SharedArrayBuffer(4),
  };
}

/** Wakes the learner's thread from `waitForFrames`. */
export function ringDoorbell(doorbell: SharedArrayBuffer): void {
  const cell = new Int32Array(doorbell);
  Atomics.add(cell, 0, 1);
  Atomics.notify(cell, 0);
}

export class InProcessActorLink implements ActorLink {
  readonly #mailbox: SharedMailbox;
  readonly #board: PolicyBoard;
  readonly #doorbell: SharedArrayBuffer;
  readonly #copy: Pick<PublishedPolicy, "parameters" | "normalizer">;
  #seen = 0;

  constructor(memory: InProcessMemory, actor: number) {
    const mailbox = memory.mailboxes[actor];
    if (!mailbox) throw new RangeError(`actor ${actor} of ${memory.mailboxes.length}`);
    this.#mailbox = new SharedMailbox(mailbox);
    this.#board = new PolicyBoard(memory.board);
    this.#doorbell = memory.doorbell;
    this.#copy = {
      parameters: new Float32Array(memory.board.parameterCount),
      normalizer: new Float32Array(2 * memory.board.observationSize),
    };
  }

  offer(frame: UnrollFrame): boolean {
    const written = this.#mailbox.write(frame);
    if (written) ringDoorbell(this.#doorbell);
    return written;
  }

  waitForRoom(timeoutMs: number): void {
    this.#mailbox.waitForRoom(timeoutMs);
  }

  takePolicy(turn = Infinity): PublishedPolicy | undefined {
    const publication = this.#board.granting(turn);
    if (publication <= this.#seen) return undefined;
    this.#seen = publication;
    return this.#board.read(this.#copy, publication);
  }

  waitForPolicy(timeoutMs: number): void {
    this.#board.wait(this.#seen, timeoutMs);
  }
}

export class InProcessLearnerLink implements LearnerLink {
  readonly #mailboxes: readonly SharedMailbox[];
  readonly #board: PolicyBoard;
  readonly #doorbell: Int32Array;
  #heard = 0;
  /** Whose turn it is. */
  #next = 0;

  constructor(memory: InProcessMemory) {
    this.#mailboxes = memory.mailboxes.map((mailbox) => new SharedMailbox(mailbox));
    this.#board = new PolicyBoard(memory.board);
    this.#doorbell = new Int32Array(memory.doorbell);
  }

  receive(accept: (frame: UnrollFrame) => boolean): number {
    this.#heard = Atomics.load(this.#doorbell, 0);
    let accepted = 0;
    // A mailbox whose frame is not accepted keeps its turn: with room for one frame at a time, beginning
    // anew at the same one would serve it alone.
    for (let empty = 0; empty < this.#mailboxes.length; ) {
      const mailbox = this.#mailboxes[this.#next];
      const frame = mailbox?.peek();
      if (frame && !accept(frame)) return accepted;
      this.#next = (this.#next + 1) % this.#mailboxes.length;
      if (frame) {
        mailbox?.release();
        accepted++;
        empty = 0;
      } else {
        empty++;
      }
    }
    return accepted;
  }

  get waiting(): number {
    return this.#mailboxes.reduce((sum, mailbox) => sum + mailbox.waiting, 0);
  }

  publish(policy: PublishedPolicy): void {
    this.#board.publish(policy);
  }

  waitForFrames(timeoutMs: number): void {
    Atomics.wait(this.#doorbell, 0, this.#heard, timeoutMs);
  }
}
