import type { ClientDuplexStream } from "@grpc/grpc-js";
import type {
  Acknowledgement,
  FrameRefusal,
  Heartbeat,
  Hello,
  LearnerMessage,
  Notice,
  Refusal,
  Welcome,
} from "../generated/troupe/v1/actor.ts";
import type { LearnerChannel } from "./channel.ts";
import type { Outbox } from "./outbox.ts";
import { encodeFrame, encodeMessage } from "./wire.ts";

/** How a conversation ended. */
export type CallEnd =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** Nothing was heard for too long. */
  | { readonly kind: "silent"; readonly message: string }
  /** The connection broke, or the learner closed it; undefined: in good order. */
  | { readonly kind: "closed"; readonly error: Error | undefined };

/** Who hears what the learner says. */
export interface CallListener {
  /** Brings the outbox in line; frames are sent after it. */
  onWelcome(welcome: Welcome): void;
  onAcknowledgement(acknowledgement: Acknowledgement): void;
  onFrameRefusal(refusal: FrameRefusal): void;
  onNotice(notice: Notice): void;
  heartbeat(): Heartbeat;
}

export interface SessionCallParts {
  readonly outbox: Outbox;
  readonly listener: CallListener;
  /** Longest wait for an answer to Hello. */
  readonly patienceMs: number;
}

/** Part of the heartbeat's longest interval after which one is sent. */
const HEARTBEAT_SHARE = 0.75;
/** Intervals of silence after which the learner counts as gone. */
const MAX_SILENCE = 3;

/**
 * One conversation of an actor with the learner, from Hello to the end of the stream.
 *
 * It sends what the outbox holds, within the learner's limit and as fast as the stream takes it, and ends
 * by itself when the learner falls silent.
 */
export class SessionCall {
  readonly ended: Promise<CallEnd>;
  readonly #stream: ClientDuplexStream<Buffer, LearnerMessage>;
  readonly #outbox: Outbox;
  readonly #listener: CallListener;
  #end: (end: CallEnd) => void = () => undefined;
  #timer: NodeJS.Timeout;
  #state: "greeting" | "open" | "closing" = "greeting";
  #sendLimit = 0;
  #isFull = false;
  #heardAt = performance.now();
  #tickedAt = performance.now();

  constructor(channel: LearnerChannel, hello: Hello, parts: SessionCallParts) {
    this.#outbox = parts.outbox;
    this.#listener = parts.listener;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const { patienceMs } = parts;
    this.#timer = setTimeout(() => this.#giveUp("has not answered", patienceMs), patienceMs);
    this.#stream = channel.openSession();
    this.#stream
      .on("data", (message: LearnerMessage) => this.#receive(message))
      .on("drain", () => {
        this.#isFull = false;
        this.pump();
      })
      .on("error", (error: Error) => this.#close({ kind: "closed", error }))
      .on("end", () => this.#close({ kind: "closed", error: undefined }));
    this.#stream.write(encodeMessage({ $case: "hello", value: hello }));
  }

  /** Sends what may be sent now. */
  pump(): void {
    if (this.#state !== "open") return;
    const now = performance.now();
    while (!this.#isFull) {
      const frame = this.#outbox.next(this.#sendLimit, now);
      if (!frame) return;
      this.#isFull = !this.#stream.write(encodeFrame(frame));
    }
  }

  /** Says goodbye and closes this side; the learner's end of the stream ends the conversation. */
  goodbye(reason: string): void {
    if (this.#state !== "open") {
      this.cancel();
      return;
    }
    this.#sayHeartbeat();
    this.#state = "closing";
    this.#stream.write(encodeMessage({ $case: "goodbye", value: { reason } }));
    this.#stream.end();
  }

  /** Breaks off. */
  cancel(): void {
    this.#close({ kind: "closed", error: undefined });
  }

  #receive({ message }: LearnerMessage): void {
    this.#heardAt = performance.now();
    try {
      this.#dispatch(message);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#close({ kind: "closed", error });
    }
  }

  #dispatch(message: LearnerMessage["message"]): void {
    switch (message?.$case) {
      case "refusal":
        this.#close({ kind: "refused", refusal: message.value });
        return;
      case "welcome":
        if (this.#state === "greeting") this.#open(message.value);
        return;
      case "acknowledgement":
        this.#sendLimit = message.value.sendLimit;
        this.#listener.onAcknowledgement(message.value);
        break;
      case "frameRefusal":
        this.#listener.onFrameRefusal(message.value);
        break;
      case "notice":
        this.#listener.onNotice(message.value);
        break;
      default:
        // A later version of the protocol may say more.
        return;
    }
    this.pump();
  }

  #open(welcome: Welcome): void {
    this.#sendLimit = welcome.sendLimit;
    this.#listener.onWelcome(welcome);
    this.#state = "open";
    clearTimeout(this.#timer);
    const everyMs = 1000 * Math.min(Math.max(welcome.heartbeatSeconds, 0.05), 60);
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#tick(everyMs), HEARTBEAT_SHARE * everyMs);
    this.pump();
  }

  #tick(everyMs: number): void {
    const now = performance.now();
    // After a sleep of this process's own, the learner's messages have had no chance to be read.
    if (now - this.#tickedAt > 2 * everyMs) this.#heardAt = now;
    this.#tickedAt = now;
    if (now - this.#heardAt > MAX_SILENCE * everyMs) {
      this.#giveUp("has been silent", now - this.#heardAt);
    } else {
      this.#sayHeartbeat();
    }
  }

  #sayHeartbeat(): void {
    if (this.#state !== "open") return;
    const value = this.#listener.heartbeat();
    this.#stream.write(encodeMessage({ $case: "heartbeat", value }));
  }

  #giveUp(what: string, afterMs: number): void {
    const message = `the learner ${what} for ${(afterMs / 1000).toFixed(1)} s`;
    this.#close({ kind: "silent", message });
  }

  #close(end: CallEnd): void {
    clearTimeout(this.#timer);
    this.#state = "closing";
    this.#end(end);
    this.#stream.cancel();
  }
}
