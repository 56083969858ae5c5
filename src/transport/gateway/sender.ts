/**
 * Delivery's books of one incarnation: which of its frames are dealt with, in the learner's hands, and on
 * the disk. Outlives connections.
 */
export class Sender {
  readonly slot: number;
  readonly incarnation: number;
  /** The sequence number wanted next. */
  next: number;
  /** Frames taken in and refused since this learner started. */
  acceptedFrames = 0;
  refusedFrames = 0;
  readonly #isLogged: boolean;
  readonly #queued = new Stage();
  readonly #unsynced = new Stage();

  /** @param isLogged Whether frames count as durable when they are logged, or when the learner has them. */
  constructor(
    cursor: { readonly slot: number; readonly incarnation: number; readonly next: number },
    isLogged: boolean,
  ) {
    this.slot = cursor.slot;
    this.incarnation = cursor.incarnation;
    this.next = cursor.next;
    this.#isLogged = isLogged;
  }

  /** The learner has taken all frames below. */
  get taken(): number {
    return this.#queued.below(this.next);
  }

  /** All frames below are safe. */
  get durable(): number {
    return this.#isLogged ? this.#unsynced.below(this.next) : this.taken;
  }

  /** The next frame was accepted: it waits for the learner and, with a log, for the disk. */
  accepted(): void {
    this.acceptedFrames++;
    this.#queued.enter(this.next);
    if (this.#isLogged) this.#unsynced.enter(this.next);
    this.next++;
  }

  /** The next frame was refused for good, which with a log is to be remembered. */
  refused(): void {
    this.refusedFrames++;
    if (this.#isLogged) this.#unsynced.enter(this.next);
    this.next++;
  }

  /** The actor is done with all frames below. */
  skippedTo(sequence: number): void {
    this.next = Math.max(this.next, sequence);
  }

  wasTaken(sequence: number): void {
    this.#queued.leave(sequence);
  }

  wasSynced(sequence: number): void {
    this.#unsynced.leave(sequence);
  }
}

/** Frames wait here in order; those below the first that waits are through. */
class Stage {
  #waiting = 0;
  #through = 0;

  enter(sequence: number): void {
    if (this.#waiting === 0) this.#through = sequence;
    this.#waiting++;
  }

  leave(sequence: number): void {
    this.#waiting--;
    this.#through = sequence + 1;
  }

  /** @param next The frame after the last. */
  below(next: number): number {
    return this.#waiting === 0 ? next : this.#through;
  }
}
