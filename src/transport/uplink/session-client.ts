import { RunError } from "../../errors.ts";
import {
  type Acknowledgement,
  type FrameRefusal,
  type Heartbeat,
  type Hello,
  type Notice,
  NoticeKind,
  type Refusal,
  RefusalReason,
  type Welcome,
} from "../generated/troupe/v1/actor.ts";
import { Backoff } from "./backoff.ts";
import { type LearnerChannel, statusName } from "./channel.ts";
import type { Outbox, SentFrame } from "./outbox.ts";
import { type CallEnd, type CallListener, SessionCall } from "./session-call.ts";

export interface SessionOptions {
  readonly channel: LearnerChannel;
  /** Who this actor is; `resume` is added when it comes back. */
  readonly hello: Omit<Hello, "resume">;
  readonly outbox: Outbox;
  readonly observer: SessionObserver;
  /** Longest time without a session. */
  readonly giveUpAfterMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Who acts in the run: what a Welcome says of it. */
export interface SessionIdentity {
  readonly slot: number;
  readonly incarnation: number;
}

export interface SessionObserver {
  /** The session is open, for the first time or again. */
  onOpen(welcome: Welcome): void;
  /** It is not any more, and is tried again. */
  onLost(message: string): void;
  /** These frames are durable. */
  onSettled(frames: readonly SentFrame[], identity: SessionIdentity): void;
  /** A frame will never be in replay. */
  onRefused(frame: SentFrame, refusal: FrameRefusal, identity: SessionIdentity): void;
  onNotice(notice: Notice): void;
  /** There may be room in the outbox. */
  onRoom(): void;
  heartbeat(): Heartbeat;
  /** A conversation ended, after so long, with this status. */
  onCallEnd(status: string, seconds: number): void;
}

/** Nothing that the actor could change: the two sides do not belong together. */
const FATAL: ReadonlyMap<RefusalReason, "LEARNER_REFUSED" | "ACTOR_FENCED"> = new Map([
  [RefusalReason.REFUSAL_REASON_PROTOCOL_VERSION, "LEARNER_REFUSED"],
  [RefusalReason.REFUSAL_REASON_RUN, "LEARNER_REFUSED"],
  [RefusalReason.REFUSAL_REASON_ENV, "LEARNER_REFUSED"],
  [RefusalReason.REFUSAL_REASON_SHAPE, "LEARNER_REFUSED"],
  [RefusalReason.REFUSAL_REASON_FENCED, "ACTOR_FENCED"],
]);
/** A session that is refused for what it said, so often without a frame getting through, is beyond repair. */
const MAX_PROTOCOL_REFUSALS = 10;
/** Slots become free in minutes; a fleet that is too large must not spend its time asking. */
const FULL = RefusalReason.REFUSAL_REASON_FULL;
const FULL_PAUSE_MS = 2_000;
/**
 * A Hello that was lost on the way is said again soon; but the learner answers only when its disk has it,
 * which may take a while.
 */
const FIRST_PATIENCE_MS = 2_000;
const MAX_PATIENCE_MS = 20_000;
const PATIENCE_GROWTH = 1.6;

/**
 * An actor's session with the learner, kept up through broken connections and restarted learners.
 *
 * Each time it comes back it says which frames it still has, hears which the learner wants, and goes on
 * from there; frames are forgotten when they are durable.
 */
export class SessionClient implements CallListener {
  readonly #options: SessionOptions;
  readonly #backoff: Backoff;
  readonly #leaving = new AbortController();
  #identity: SessionIdentity | undefined;
  #call: SessionCall | undefined;
  #isOpen = false;
  #isFinished = false;
  #openedAt = performance.now();
  #protocolRefusals = 0;
  #patienceMs = FIRST_PATIENCE_MS;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** From the last Welcome; undefined before the first. */
  get identity(): SessionIdentity | undefined {
    return this.#identity;
  }

  /** Sends what may be sent now, after something was put into the outbox. */
  pump(): void {
    this.#call?.pump();
  }

  /**
   * Talks to the learner until it says that the run is finished, or until `leave`.
   *
   * @throws RunError LEARNER_REFUSED, ACTOR_FENCED, LEARNER_LOST after `giveUpAfterMs` without a session.
   */
  async run(): Promise<void> {
    this.#openedAt = performance.now();
    while (!(this.#isDone || this.#isFinished)) {
      const end = await this.#converse();
      const wasOpen = this.#isOpen;
      this.#isOpen = false;
      if (this.#isDone || this.#isFinished) return;
      const message = this.#examine(end);
      if (wasOpen) this.#openedAt = performance.now();
      const silentMs = performance.now() - this.#openedAt;
      if (silentMs > this.#options.giveUpAfterMs) {
        const seconds = Math.round(silentMs / 1000);
        throw new RunError("LEARNER_LOST", `no session for ${seconds} s, giving up: ${message}`);
      }
      this.#options.observer.onLost(message);
      const isFull = end.kind === "refused" && end.refusal.reason === FULL;
      await this.#backoff.pause(this.#leaving.signal, isFull ? FULL_PAUSE_MS : 0);
    }
  }

  /** Ends the session for good, with a goodbye if it is open; `run` returns when the learner has closed it. */
  leave(reason: string): void {
    this.#leaving.abort();
    this.#call?.goodbye(reason);
  }

  /** Ends the session at once. */
  cancel(): void {
    this.#leaving.abort();
    this.#call?.cancel();
  }

  get #isDone(): boolean {
    return this.#leaving.signal.aborted;
  }

  async #converse(): Promise<CallEnd> {
    const { channel, hello, outbox, observer } = this.#options;
    const start = performance.now();
    const resume = this.#identity && {
      ...this.#identity,
      firstKeptSequence: outbox.firstKept,
    };
    const { generation } = channel;
    this.#call = new SessionCall(
      channel,
      { ...hello, resume },
      { outbox, listener: this, patienceMs: this.#patienceMs },
    );
    const end = this.#silence(await this.#call.ended, generation);
    this.#call = undefined;
    const status = statusName(end.kind === "closed" ? end.error : undefined);
    observer.onCallEnd(end.kind === "silent" ? "CANCELLED" : status, secondsSince(start));
    return end;
  }

  /** Sees to a connection over which nothing came, or which another session has given up for that. */
  #silence(end: CallEnd, generation: number): CallEnd {
    const { channel } = this.#options;
    const isRenewed = generation !== channel.generation && end.kind === "closed" && end.error;
    if (end.kind !== "silent" && !isRenewed) return end;
    // Asking somebody slow more often would make it slower.
    this.#patienceMs = Math.min(PATIENCE_GROWTH * this.#patienceMs, MAX_PATIENCE_MS);
    if (end.kind === "silent") channel.renew(generation, end.message);
    return { kind: "silent", message: channel.renewal };
  }

  /** Why the conversation ended. @throws RunError when there is no point in another one. */
  #examine(end: CallEnd): string {
    const { channel } = this.#options;
    if (end.kind === "refused") return this.#examineRefusal(end.refusal);
    if (end.kind === "silent") return `${channel.address}: ${end.message}`;
    if (!end.error) return `${channel.address} closed the session`;
    const { message, error } = channel.explain(end.error);
    if (error) throw error;
    return message;
  }

  #examineRefusal({ reason, message }: Refusal): string {
    const code = FATAL.get(reason);
    const text = `${this.#options.channel.address}: ${message}`;
    if (code) throw new RunError(code, text);
    if (reason === RefusalReason.REFUSAL_REASON_PROTOCOL) this.#protocolRefusals += 1;
    if (this.#protocolRefusals < MAX_PROTOCOL_REFUSALS) return text;
    throw new RunError("LEARNER_REFUSED", `refused ${this.#protocolRefusals} times: ${text}`);
  }

  onWelcome(welcome: Welcome): void {
    const { outbox, observer } = this.#options;
    const { slot, incarnation, nextSequence, durable, refused } = welcome;
    const before = this.#identity;
    const isNew = before?.slot !== slot || before.incarnation !== incarnation;
    // The learner has lost what it knew of the incarnation before, and all its frames.
    if (before && isNew) outbox.renumber();
    this.#identity = { slot, incarnation };
    for (const refusal of refused) this.#refuse(refusal);
    this.#settle(durable);
    outbox.rewind(nextSequence);
    this.#isOpen = true;
    this.#backoff.reset();
    this.#patienceMs = FIRST_PATIENCE_MS;
    observer.onOpen(welcome);
    observer.onRoom();
  }

  onAcknowledgement({ durable }: Acknowledgement): void {
    this.#settle(durable);
    this.#options.observer.onRoom();
  }

  onFrameRefusal(refusal: FrameRefusal): void {
    if (refusal.resend) {
      this.#options.outbox.rewind(refusal.sequence);
    } else {
      this.#refuse(refusal);
      this.#options.observer.onRoom();
    }
  }

  onNotice(notice: Notice): void {
    if (notice.kind === NoticeKind.NOTICE_KIND_FINISHED) this.#isFinished = true;
    this.#options.observer.onNotice(notice);
  }

  heartbeat(): Heartbeat {
    return this.#options.observer.heartbeat();
  }

  #settle(durable: number): void {
    const frames = this.#options.outbox.settle(durable);
    if (frames.length === 0 || !this.#identity) return;
    this.#protocolRefusals = 0;
    this.#options.observer.onSettled(frames, this.#identity);
  }

  #refuse(refusal: FrameRefusal): void {
    const frame = this.#options.outbox.refuse(refusal.sequence);
    if (frame && this.#identity) this.#options.observer.onRefused(frame, refusal, this.#identity);
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
