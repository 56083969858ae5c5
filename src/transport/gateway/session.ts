import type { RefusedFrame } from "../../replay/log/log-record.ts";
import {
  type Acknowledgement,
  type ActorMessage,
  type Frame,
  type Heartbeat,
  type Hello,
  type LearnerMessage,
  type Notice,
  RefusalReason,
} from "../generated/troupe/v1/actor.ts";
import type { FrameFault, InspectedFrame } from "./frame-inspector.ts";
import { finalRefusal, resendRequest } from "./frame-refusals.ts";
import type { SessionFault } from "./hello-check.ts";
import { MOST_SEQUENCE, type Seat } from "./roster.ts";
import { MOST_WINDOW } from "./send-window.ts";
import type { Sender } from "./sender.ts";

/** A frame that arrives damaged so often is refused for good. */
const MOST_ATTEMPTS = 3;

/** The stream down to an actor. */
export interface SessionOutput {
  /** Address of the other side. */
  readonly peer: string;
  /** Returns false when enough is buffered; `Session.drained` is to be called when it is not any more. */
  send(message: LearnerMessage): boolean;
  /** Ends the call after what was sent. */
  end(): void;
}

/** What sessions need of the gateway. */
export interface SessionHost {
  now(): number;
  /** Takes the actor in; a session it had is over. */
  admit(session: Session, hello: Hello): Seat | SessionFault;
  /** Whether the log is on the disk up to here. */
  isSynced(position: number): boolean;
  /** What a welcome says of the run. */
  readonly terms: {
    readonly runId: string;
    readonly term: number;
    readonly heartbeatSeconds: number;
    readonly maxPayloadBytes: number;
  };
  inspect(frame: Frame, slot: number): InspectedFrame;
  accept(sender: Sender, frame: Frame, inspected: InspectedFrame & { fault?: never }): void;
  refuse(sender: Sender, fault: FrameFault): void;
  /** The actor is done with its frames below `sequence`. */
  skip(sender: Sender, sequence: number): void;
  /** Frames an actor may have under way now. */
  readonly window: number;
  /** The learner closes: no more frames are taken. */
  readonly isClosing: boolean;
  onHeartbeat(session: Session, heartbeat: Heartbeat): void;
  /** There is something to acknowledge. */
  onDirty(session: Session): void;
  onDuplicate(): void;
  /** A frame came damaged and is asked for again. */
  onResend(sender: Sender, fault: FrameFault): void;
  /** The session ended before or after it began; `fault` if the learner ended it. */
  onOver(session: Session, why: SessionEnd): void;
}

export type SessionEnd =
  | { readonly kind: "lost" }
  /** The learner closes. */
  | { readonly kind: "closed" }
  | { readonly kind: "replaced" }
  | { readonly kind: "goodbye"; readonly reason: string }
  | { readonly kind: "refused"; readonly fault: SessionFault };

/**
 * One conversation with an actor, over one stream: new -> joining (its record is on the way to the disk)
 * -> open -> over. Knows the rules of order, of sequence numbers and of credits, and nothing of gRPC.
 */
export class Session {
  readonly peer: string;
  readonly #host: SessionHost;
  readonly #output: SessionOutput;
  #state: "new" | "joining" | "open" | "over" = "new";
  #seat: Seat | undefined;
  #lastHeard: number;
  #lastSaid: number;
  #isBlocked = false;
  /**
   * Whether frames may be missing. An actor forgets those that were refused; a learner that was restarted may
   * not know that it refused them.
   */
  #mayLeaveOut = false;
  /** The first frame the actor was not allowed to send. */
  #sendLimit = 0;
  #dirtySince: number | undefined;
  /** A damaged frame is wanted again: what follows it on the way is worth nothing. */
  #isResendPending = false;
  #attempts = 0;

  constructor(host: SessionHost, output: SessionOutput) {
    this.#host = host;
    this.#output = output;
    this.peer = output.peer;
    this.#lastHeard = host.now();
    this.#lastSaid = this.#lastHeard;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  get sender(): Sender | undefined {
    return this.#seat?.sender;
  }

  /** When the actor said something last. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  /** Frames the actor may send before it hears more. */
  get credit(): number {
    return Math.max(this.#sendLimit - (this.sender?.next ?? 0), 0);
  }

  receive({ message }: ActorMessage): void {
    if (this.#state === "over") return;
    this.#lastHeard = this.#host.now();
    if (message?.$case === "hello") this.#onHello(message.value);
    else if (message) this.#onMessage(message);
  }

  /** The stream takes messages again. */
  drained(): void {
    this.#isBlocked = false;
    if (this.isOpen && this.#dirtySince !== undefined) this.#host.onDirty(this);
  }

  /** The stream is gone. */
  lost(): void {
    this.#over({ kind: "lost" });
  }

  /** Another stream of the same process goes on in this one's place. */
  replace(): void {
    this.#over({ kind: "replaced" });
  }

  refuse(fault: SessionFault): void {
    if (this.#state === "over") return;
    this.#send({ $case: "refusal", value: fault });
    this.#over({ kind: "refused", fault });
  }

  notify(notice: Notice): void {
    if (this.isOpen) this.#send({ $case: "notice", value: notice });
  }

  /** Ends the call in friendship, after a last acknowledgement. */
  end(): void {
    if (this.sender && !this.#isBlocked && this.isOpen) this.#acknowledge(this.sender);
    this.#over({ kind: "closed" });
  }

  /** Goes on when the record of the actor's joining is on the disk. */
  continueJoining(): void {
    if (this.#state !== "joining" || this.#seat === undefined) return;
    const { cursor, position, sender } = this.#seat;
    if (position !== undefined && !this.#host.isSynced(position)) return;
    this.#state = "open";
    const progress = this.#progress(sender);
    this.#send({
      $case: "welcome",
      value: {
        ...this.#host.terms,
        slot: cursor.slot,
        incarnation: cursor.incarnation,
        nextSequence: progress.accepted,
        durable: progress.durable,
        refused: cursor.refused.map(finalRefusal),
        sendLimit: progress.sendLimit,
      },
    });
    this.#sendLimit = progress.sendLimit;
  }

  /** The actor's frames have come further, or it has to be told again how far they are. */
  touch(): void {
    if (!this.isOpen) return;
    this.#dirtySince ??= this.#host.now();
    this.#host.onDirty(this);
  }

  /**
   * Acknowledges if the actor waits for it, or has not heard for `lazyMs` of what is new.
   * @returns whether there is nothing left to say.
   */
  acknowledge(lazyMs: number): boolean {
    const { sender } = this;
    if (!this.isOpen || sender === undefined || this.#dirtySince === undefined) return true;
    // What is said once the stream drains is newer than anything now; `drained` asks again.
    if (this.#isBlocked) return true;
    const isDue = this.#host.now() - this.#dirtySince >= lazyMs;
    if (!isDue && !this.#isStarved(sender)) return false;
    this.#acknowledge(sender);
    return true;
  }

  /** A sign of life, unless something else was said within `silenceMs`. */
  heartbeat(silenceMs: number): void {
    const { sender } = this;
    if (!this.isOpen || this.#isBlocked || sender === undefined) return;
    if (this.#host.now() - this.#lastSaid >= silenceMs) this.#acknowledge(sender);
  }

  /** The learner's process slept, so that nobody could be heard. */
  excuse(milliseconds: number): void {
    this.#lastHeard += milliseconds;
  }

  #onHello(hello: Hello): void {
    if (this.#state !== "new") {
      this.#outOfTurn("a second hello");
      return;
    }
    const result = this.#host.admit(this, hello);
    if ("reason" in result) {
      this.refuse(result);
      return;
    }
    this.#seat = result;
    const { resume } = hello;
    const { slot, incarnation } = result.cursor;
    if (resume?.slot === slot && resume.incarnation === incarnation) {
      this.#mayLeaveOut = true;
      // Whatever it sent before was below this, so that it can send all of it again, whatever is missing.
      this.#sendLimit = resume.firstKeptSequence + MOST_WINDOW;
    }
    this.#state = "joining";
    this.continueJoining();
  }

  #onMessage(message: Exclude<ActorMessage["message"], { $case: "hello" } | undefined>): void {
    const { sender } = this;
    if (sender === undefined || (message.$case === "frame" && !this.isOpen)) {
      this.#outOfTurn(`${message.$case} before ${sender ? "welcome" : "hello"}`);
      return;
    }
    switch (message.$case) {
      case "frame":
        this.#onFrame(sender, message.value);
        break;
      case "heartbeat":
        this.#host.onHeartbeat(this, message.value);
        break;
      case "goodbye":
        this.#over({ kind: "goodbye", reason: message.value.reason.slice(0, 200) });
        break;
      default:
        message satisfies never;
    }
  }

  #onFrame(sender: Sender, frame: Frame): void {
    if (this.#host.isClosing) return;
    const { sequence } = frame;
    if (sequence < sender.next) {
      this.#host.onDuplicate();
      this.touch();
    } else if (sequence === sender.next || !this.#isResendPending) {
      const complaint = this.#wrongSequence(sender, sequence);
      if (complaint !== undefined) {
        this.#outOfTurn(complaint);
        return;
      }
      if (sequence > sender.next) this.#host.skip(sender, sequence);
      this.#onWanted(sender, frame);
    }
  }

  /** The next frame has come. */
  #onWanted(sender: Sender, frame: Frame): void {
    const inspected = this.#host.inspect(frame, sender.slot);
    if (inspected.fault) {
      this.#onFault(sender, inspected.fault);
      return;
    }
    this.#isResendPending = false;
    this.#attempts = 0;
    this.#host.accept(sender, frame, inspected);
    this.touch();
  }

  #wrongSequence(sender: Sender, sequence: number): string | undefined {
    if (sequence > sender.next && !this.#mayLeaveOut) {
      return `frame ${sequence}, but ${sender.next} is wanted`;
    }
    if (sequence >= this.#sendLimit) {
      return `frame ${sequence}, but the send limit is ${this.#sendLimit}`;
    }
    if (sequence >= MOST_SEQUENCE) return `frame ${sequence}: start this actor anew`;
    return undefined;
  }

  #onFault(sender: Sender, fault: FrameFault): void {
    const frame: RefusedFrame = { sequence: sender.next, ...fault };
    this.#attempts++;
    if (fault.reason === "checksum" && this.#attempts < MOST_ATTEMPTS) {
      this.#isResendPending = true;
      this.#host.onResend(sender, fault);
      this.#send({ $case: "frameRefusal", value: resendRequest(frame) });
      return;
    }
    this.#isResendPending = false;
    this.#attempts = 0;
    this.#host.refuse(sender, fault);
    this.#send({ $case: "frameRefusal", value: finalRefusal(frame) });
    this.touch();
  }

  #outOfTurn(message: string): void {
    this.refuse({ reason: RefusalReason.REFUSAL_REASON_PROTOCOL, message });
  }

  /** Whether the actor has used up what it may send, and could be allowed more. */
  #isStarved(sender: Sender): boolean {
    const { window } = this.#host;
    return this.#sendLimit - sender.next <= window >> 2 && this.#limitFor(sender) > this.#sendLimit;
  }

  #limitFor(sender: Sender): number {
    const dealtWith = Math.min(sender.taken, sender.durable);
    return Math.max(dealtWith + this.#host.window, this.#sendLimit);
  }

  #progress(sender: Sender): Acknowledgement {
    const { next: accepted, durable } = sender;
    return { accepted, durable, sendLimit: this.#limitFor(sender) };
  }

  #acknowledge(sender: Sender): void {
    this.#dirtySince = undefined;
    const progress = this.#progress(sender);
    this.#sendLimit = progress.sendLimit;
    this.#send({ $case: "acknowledgement", value: progress });
  }

  #send(message: NonNullable<LearnerMessage["message"]>): void {
    this.#lastSaid = this.#host.now();
    if (!this.#output.send({ message })) this.#isBlocked = true;
  }

  #over(why: SessionEnd): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#output.end();
    this.#host.onOver(this, why);
  }
}
